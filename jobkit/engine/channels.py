"""Identities of pushes, by which a store recognises one that is sent again."""

from __future__ import annotations

from collections import deque
from typing import Self

from jobkit.ids import incarnation


class Channel:
    """What one push at a time borrows; as a context, until that need not be sent again.

    `request` is the number of the push that has it, or had it last.
    """

    __slots__ = ("_idle", "name", "request")

    def __init__(self, name: str, idle: deque[Channel]) -> None:
        self.name = name
        self.request = 0
        self._idle = idle

    def __enter__(self) -> Self:
        self.request += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._idle.append(self)


class Channels:
    """Channels that pushes borrow: each has one push under way and counts its requests up."""

    def __init__(self) -> None:
        self._client = incarnation()
        self._idle: deque[Channel] = deque()
        self._made = 0

    def borrow(self) -> Channel:
        """Give a channel to one push, however often that is sent."""
        try:
            return self._idle.pop()
        except IndexError:
            self._made += 1
            return Channel(f"{self._client}-{self._made}-{incarnation()[:4]}", self._idle)
