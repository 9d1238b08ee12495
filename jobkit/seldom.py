"""What does not pay is tried ever more rarely, until it does."""

from __future__ import annotations


class Seldom:
    """Says when to try: each failure doubles how often that is passed over, up to `rarest` times.

    In one thread at a time.

    >>> seldom = Seldom(rarest=7)
    >>> tries: list[int] = []
    >>> for turn in range(30):
    ...     if seldom.is_due():
    ...         tries.append(turn)
    ...         seldom.failed()
    >>> tries
    [0, 2, 6, 14, 22]
    """

    def __init__(self, *, rarest: int) -> None:
        self._rarest = rarest
        self._pause = 0
        self._left = 0  # times that are still to be passed over

    def is_due(self) -> bool:
        """Tell whether to try this time; counts the times that are passed over."""
        if self._left > 0:
            self._left -= 1
            return False
        return True

    def failed(self) -> None:
        """Pass over some times."""
        self._left = self._pause = min(2 * self._pause + 1, self._rarest)

    def went_well(self) -> None:
        """Try each time again."""
        self._pause = 0
