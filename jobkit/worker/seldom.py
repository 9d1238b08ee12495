"""What has failed is tried ever more rarely, until it goes well."""

from __future__ import annotations

RAREST = 1000  # times, at most, that they are left out


class Seldom:
    """Counts how often steps are still to be left out; each is done inside of `with`."""

    def __init__(self) -> None:
        self._pause = 0
        self._left_out = 0  # times that they are still to be

    def __enter__(self) -> None:
        """Begin a step."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Leave steps out for a while if this one has failed."""
        if kind is not None:
            self._left_out = self._pause = min(2 * self._pause + 1, RAREST)

    def are_due(self) -> bool:
        """Tell whether they are to be done this time; counts the times that they are not."""
        if self._left_out > 0:
            self._left_out -= 1
            return False
        return True

    def went_well(self) -> None:
        """Do them each time again."""
        self._pause = 0
