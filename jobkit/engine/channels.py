"""Identities of pushes, by which a store recognises one that is sent again."""

from __future__ import annotations

from collections import deque
from contextlib import AbstractContextManager

from jobkit.ids import incarnation


class Channels:
    """Channels that pushes borrow: each has one push under way and counts its requests up."""

    def __init__(self) -> None:
        self._client = incarnation()
        self._idle: deque[tuple[str, int]] = deque()
        self._made = 0

    def borrow(self) -> AbstractContextManager[tuple[str, int]]:
        """Give a channel and its next request number to one push, however often it is sent."""
        try:
            channel, request = self._idle.pop()
        except IndexError:
            self._made += 1
            channel, request = f"{self._client}-{self._made}-{incarnation()[:4]}", 0
        return _Loan(self._idle, channel, request + 1)


class _Loan(AbstractContextManager[tuple[str, int]]):
    __slots__ = ("_channel", "_idle", "_request")

    def __init__(self, idle: deque[tuple[str, int]], channel: str, request: int) -> None:
        self._idle = idle
        self._channel = channel
        self._request = request

    def __enter__(self) -> tuple[str, int]:
        return self._channel, self._request

    def __exit__(self, *_: object) -> None:
        self._idle.append((self._channel, self._request))
