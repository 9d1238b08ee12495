"""What a handler's `ctx.enqueue` goes to while an enqueue is to fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from jobkit.client.transaction import Held
from jobkit.engine import Engine
from jobkit.store import NewJob
from jobkit_testing.enqueues import FailingEnqueue
from jobkit_testing.faults import Faults


class Noting(Protocol):
    """Who is told of an enqueue that fails."""

    def failed(self, failing: FailingEnqueue, jobs: Sequence[NewJob]) -> None:
        """Take note that an enqueue of these jobs fails because the test wants it."""
        ...


class FailingHeld(Held):
    """Holds what a handler enqueues, and fails as the test wants it."""

    def __init__(self, engine: Engine, faults: Faults, tell: Noting) -> None:
        super().__init__(engine, on_context=True)
        self._faults = faults
        self._tell = tell

    def add(self, job: Any, options: Mapping[str, Any]) -> NewJob:
        before = len(self.batch)
        new = super().add(job, options)
        self._fail(before, [new])
        return new

    def add_many(
        self, jobs: Iterable[Any], chunk: int | None, options: Mapping[str, Any]
    ) -> list[NewJob]:
        before = len(self.batch)
        new = super().add_many(jobs, chunk, options)
        self._fail(before, new)
        return new

    def _fail(self, before: int, new: Sequence[NewJob]) -> None:
        failing = None if self._faults.on_enqueue is None else self._faults.on_enqueue(True)
        if failing is None:
            return
        self._tell.failed(failing, new)
        if not failing.stored:
            self.batch.cut(before)
        raise failing.error
