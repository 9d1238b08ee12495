"""The recorder: carries out one request at a time on a store, and writes down all of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any, Literal, TypeVar

from benchmarks.tracing.trace import Did, Lost, Trace, Word
from jobkit.clock import system_milliseconds
from jobkit.errors import BackendUnavailable
from jobkit.store import Operation, Store
from jobkit_testing.over import StoreOver

R = TypeVar("R")
Trouble = Literal["request lost", "reply lost", "cut off"]


class Recorder:
    """Hands requests on to a store, at instants of its own that never run backwards.

    `trouble`: how many of a thousand requests of workers get lost, on their way there or back;
    of those with several operations some are cut off in the middle. `lost`: how many did.
    """

    def __init__(self, store: Store, *, trouble: int = 0, dice: Random | None = None) -> None:
        self.trace: Trace = []
        self.lost = 0
        self._store = store
        self._trouble = trouble
        self._dice = dice or Random(0)
        self._lock = threading.Lock()
        self._now = 0
        self._requests = 0

    def say(self, word: Word) -> None:
        """Write down what somebody says."""
        with self._lock:
            self.trace.append(replace(word, at=self._instant()))

    def carry_out(self, sender: str, operations: Sequence[Operation[Any]]) -> list[Any]:
        """Carry out operations, write them down, and return their answers."""
        with self._lock:
            return self._carry_out(sender, operations)

    def carry_out_in_trouble(self, sender: str, operations: Sequence[Operation[Any]]) -> list[Any]:
        """Do the same where requests get lost; raises `BackendUnavailable` then."""
        with self._lock:
            trouble = self._roll(len(operations))
            if trouble is None:
                return self._carry_out(sender, operations)
            self.lost += 1
            reach = len(operations)
            if trouble != "reply lost":
                reach = 0 if trouble == "request lost" else self._dice.randrange(1, reach)
                lost = tuple(operations[reach:])
                self.trace.append(Lost(sender=sender, at=self._instant(), operations=lost))
            if reach:
                self._carry_out(sender, operations[:reach])
                self._lose_replies(reach)
            stored: Literal["no", "unknown"] = "unknown" if reach else "no"
            raise BackendUnavailable(f"lost: {trouble}", stored=stored)

    def _roll(self, length: int) -> Trouble | None:
        if self._dice.randrange(1000) >= self._trouble:
            return None
        kinds: list[Trouble] = ["request lost", "reply lost"]
        return self._dice.choice([*kinds, "cut off"] if length > 1 else kinds)

    def _carry_out(self, sender: str, operations: Sequence[Operation[Any]]) -> list[Any]:
        now = self._instant()
        answers = self._store.run_many(operations, now=now)
        self._requests += 1
        self.trace += [
            Did(sender=sender, request=self._requests, at=now, operation=operation, answer=answer)
            for operation, answer in zip(operations, answers, strict=True)
        ]
        return answers

    def _lose_replies(self, count: int) -> None:
        for at in range(len(self.trace) - count, len(self.trace)):
            did = self.trace[at]
            assert isinstance(did, Did)  # just written, under the lock
            self.trace[at] = replace(did, reply="reply lost")

    def _instant(self) -> int:
        self._now = max(self._now, system_milliseconds())
        return self._now


class RecordedStore(StoreOver):
    """The store of somebody in the recorder's process; nothing of it gets lost."""

    def __init__(self, recorder: Recorder, store: Store, sender: str) -> None:
        super().__init__(store)
        self._recorder = recorder
        self._sender = sender

    def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one atomic step."""
        answer: Any = self.run_many([operation], now=now)[0]
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]  # the operation's type says which

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        """Carry out operations in order, at the recorder's instant."""
        assert now is None
        return self._recorder.carry_out(self._sender, operations)


class AsyncRecordedStore:
    """The same store for coroutines; it blocks the loop."""

    def __init__(self, store: RecordedStore) -> None:
        self._store = store

    async def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one atomic step."""
        return self._store.run(operation, now=now)

    async def close(self) -> None:
        """Leave the store open: who made it closes it."""
