"""Sends operations to a store, and again while the trouble may pass.

Every operation may be run twice, so repeating is safe; what is not known is only whether a
write that failed for good was stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

from jobkit.clock import pause
from jobkit.errors import BackendUnavailable
from jobkit.ids import incarnation, jitter
from jobkit.store import Answer, AsyncStore, Here, Operation, Ready, Store, ready

FIRST_PAUSE = 0.02  # seconds
LONGEST_PAUSE = 0.5
# Below the store's `REPLAY_WINDOW`: a push repeated after it would be stored a second time.
LONGEST_TIMEOUT = 50.0  # seconds


class Patience:
    """How long to go on trying one operation, and what is known of it."""

    def __init__(self, deadline: float, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._deadline = deadline
        self._pauses = _pauses()
        self._stored: Literal["no", "unknown"] = "no"

    def pause_after(self, error: BackendUnavailable) -> float:
        """Return how long to rest before the next try, or raise what to tell the caller."""
        if error.stored == "unknown":
            self._stored = "unknown"
        rest = next(self._pauses)
        if not error.passing or self._monotonic() + rest > self._deadline:
            error.stored = self._stored
            raise error
        return rest


def _pauses() -> Iterator[float]:
    name = incarnation()
    length = FIRST_PAUSE
    attempt = 0
    while True:
        attempt += 1
        yield length * (0.5 + jitter(name, attempt))
        length = min(length * 2, LONGEST_PAUSE)


class Sender:
    """Runs operations on a store for threads."""

    def __init__(
        self,
        store: Store,
        *,
        now: Callable[[], int | None],
        timeout: float,
        monotonic: Callable[[], float],
    ) -> None:
        self.store = store
        self.now = now
        self.timeout = timeout
        self.monotonic = monotonic

    def __call__(self, operation: Operation[Any]) -> Any:
        """Carry out an operation; raises `BackendUnavailable` when the time for it is over."""
        deadline = self.monotonic() + self.timeout
        try:
            return self.store.run(operation, now=self.now())
        except BackendUnavailable as error:
            return self._again(operation, error, deadline)

    def ready(self, operation: Operation[Any]) -> Callable[[], Callable[[], Any]]:
        """Make an operation ready; return what sends it, and returns what waits for its result.

        Call each of the two once.
        """
        return partial(self._begin, operation, ready(self.store, [operation], now=self.now()))

    def _begin(self, operation: Operation[Any], send: Ready) -> Callable[[], Any]:
        began = self.monotonic()
        answer: Answer
        try:
            answer = send()
        except BackendUnavailable as error:
            answer = Here([error])
        left = began + self.timeout - self.monotonic()
        return partial(self._wait, operation, answer, left, began + LONGEST_TIMEOUT)

    def _wait(self, operation: Operation[Any], answer: Answer, left: float, latest: float) -> Any:
        # What the caller did meanwhile takes nothing off the time for repeating.
        deadline = min(self.monotonic() + left, latest)
        try:
            [result] = answer.wait()
        except BackendUnavailable as error:
            return self._again(operation, error, deadline)
        if isinstance(result, BackendUnavailable):
            return self._again(operation, result, deadline)
        if isinstance(result, Exception):
            raise result
        return result

    def _again(self, operation: Operation[Any], error: BackendUnavailable, deadline: float) -> Any:
        patience = Patience(deadline, self.monotonic)
        while True:
            pause(patience.pause_after(error))
            try:
                return self.store.run(operation, now=self.now())
            except BackendUnavailable as next_error:
                error = next_error


class AsyncSender:
    """Runs operations on a store for coroutines."""

    def __init__(self, store: AsyncStore, like: Sender) -> None:
        self.store = store
        self._like = like

    async def __call__(self, operation: Operation[Any]) -> Any:
        """Carry out an operation; raises `BackendUnavailable` when the time for it is over."""
        like = self._like
        deadline = like.monotonic() + like.timeout
        try:
            return await self.store.run(operation, now=like.now())
        except BackendUnavailable as error:
            return await self._again(operation, error, deadline)

    async def _again(
        self, operation: Operation[Any], error: BackendUnavailable, deadline: float
    ) -> Any:
        like = self._like
        patience = Patience(deadline, like.monotonic)
        while True:
            await asyncio.sleep(patience.pause_after(error))
            try:
                return await self.store.run(operation, now=like.now())
            except BackendUnavailable as next_error:
                error = next_error
