"""One round trip of a worker: what is sent, and who wants which answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jobkit.errors import BackendUnavailable
from jobkit.store import Operation

Heed = Callable[[Any], None]


def _ignore(_: Any) -> None:
    """Need no answer; what is refused is left to those behind: they will be refused as well."""


@dataclass(slots=True)
class Cycle:
    """Operations, each with what its answer is for, and what is to be done if it is refused."""

    operations: list[Operation[Any]] = field(default_factory=list[Operation[Any]])
    _heeds: list[tuple[Heed, Heed]] = field(default_factory=list[tuple[Heed, Heed]])

    def add(
        self, operation: Operation[Any], heed: Heed = _ignore, *, refused: Heed = _ignore
    ) -> None:
        """Send an operation behind the others."""
        self.operations.append(operation)
        self._heeds.append((heed, refused))

    def then(self, other: Cycle) -> Cycle:
        """Return one with what the other one sends behind what this one sends."""
        return Cycle(self.operations + other.operations, self._heeds + other._heeds)

    def heed(self, results: list[Any]) -> None:
        """Hand out all answers; then raise what the store refused one with, if it did."""
        trouble: BackendUnavailable | None = None
        for result, (heed, refused) in zip(results, self._heeds, strict=True):
            if isinstance(result, BackendUnavailable):
                trouble = result
                refused(result)
            else:
                heed(result)
        if trouble is not None:
            raise trouble
