"""Identities of pushes, by which a store recognises one that is sent again."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

from jobkit.ids import incarnation


class Channels:
    """Channels that pushes borrow: each has one push under way and counts its requests up."""

    def __init__(self) -> None:
        self._client = incarnation()
        self._idle: deque[tuple[str, int]] = deque()
        self._made = 0

    @contextmanager
    def borrow(self) -> Generator[tuple[str, int]]:
        """Give a channel and its next request number to one push, however often it is sent."""
        try:
            channel, request = self._idle.pop()
        except IndexError:
            self._made += 1
            channel, request = f"{self._client}-{self._made}-{incarnation()[:4]}", 0
        try:
            yield channel, request + 1
        finally:
            self._idle.append((channel, request + 1))
