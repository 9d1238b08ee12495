"""Identities of pushes, by which a store recognises one that is sent again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from jobkit.ids import incarnation


@dataclass(slots=True)
class Channel:
    """What one push at a time borrows; `request` is the number of the one that has it."""

    name: str
    request: int = 0


class Channels:
    """Channels that pushes borrow: each has one push under way and counts its requests up."""

    def __init__(self) -> None:
        self._client = incarnation()
        self._idle: deque[Channel] = deque()
        self._made = 0
        self.give_back = self._idle.append
        """Take a channel whose push need not be sent again."""

    def borrow(self) -> Channel:
        """Give a channel to one push, however often that is sent."""
        try:
            channel = self._idle.pop()
        except IndexError:
            self._made += 1
            channel = Channel(f"{self._client}-{self._made}-{incarnation()[:4]}")
        channel.request += 1
        return channel
