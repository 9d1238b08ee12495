"""The bank, as this application sees it; and one that is kept in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, order=True)
class Charged:
    """Money that was taken."""

    order: int
    cents: int


class Bank(Protocol):
    """Takes money; a second call with the same key takes nothing, without a key it always does."""

    def charge(self, order: int, cents: int, *, key: str | None = None) -> None:
        """Take the money for an order."""
        ...


class MemoryBank:
    """A bank for tests."""

    def __init__(self) -> None:
        self.statement: list[Charged] = []
        self._keys: set[str] = set()

    def charge(self, order: int, cents: int, *, key: str | None = None) -> None:
        """Take the money for an order."""
        if key is not None and key in self._keys:
            return
        if key is not None:
            self._keys.add(key)
        self.statement.append(Charged(order, cents))
