"""Two stores as one: each operation is carried out on both, and the answers are compared.

A client or worker over this store asks both with the very same operation, so ids, instants and
tokens are equal by construction, and what differs is a difference between the stores.

What two stores may do differently is made equal first: a page may be shorter than asked for and
still have a cursor, and a sweep may stop early, so both are gone on with until they have what was
asked for; a cursor is a store's own, so that of the second is kept here, found by the first's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, TypeVar, cast

from msgspec.structs import replace

from jobkit.errors import JobkitError, NotSupported
from jobkit.record import JobState
from jobkit.store import (
    ALL_CAPABILITIES,
    AtomicOver,
    Capability,
    Fire,
    Operation,
    Page,
    Place,
    Push,
    Settle,
    Store,
    StoredJob,
    StoredPage,
    Succeed,
    Sweep,
    Swept,
    Waiter,
    refuse_beyond,
)
from jobkit_testing.side_by_side.differing import differing

R = TypeVar("R")
Ask: TypeAlias = Callable[[Any, int | None], Any]
FARTHEST: Final = 200  # pages that are read to make one whole


class Mismatch(Exception):  # what happened, not what went wrong
    """The two stores answered one operation differently."""

    def __init__(self, operation: object, a: object, b: object, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.operation = operation
        self.a = a
        self.b = b
        self.lines = tuple(lines)

    @property
    def kind(self) -> str:
        """What was asked, in one word: shrinking keeps to it."""
        return type(self.operation).__name__


class PairedStore:
    """A `Store` that is two; raises `Mismatch` when they differ, and from then on always.

    What one of them cannot do it refuses, and asks neither.
    `touched`: the queues that operations were about since it was cleared last. `sent`: the last
    push or sweep, with its instant, and `fired` the last tick, so that they can be sent again.
    """

    def __init__(self, a: Store, b: Store) -> None:
        self.a = a
        self.b = b
        common = a.capabilities & b.capabilities
        self._common = ALL_CAPABILITIES if common == ALL_CAPABILITIES else common
        self.touched: set[str] = set()
        self.sent: tuple[Push | Sweep, int] | None = None
        self.fired: Fire | None = None
        self.operations = 0
        self.mismatch: Mismatch | None = None
        self._cursors: dict[tuple[str, JobState, Place], Place] = {}
        self._ask: dict[type, Ask] = {
            Page: self._page,
            Sweep: self._sweep,
        }

    def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation on both stores, and return what both answered."""
        self.check()
        if self._common is not ALL_CAPABILITIES:
            refuse_beyond(operation, self._common)
        self._note(operation, now)
        ask = self._ask.get(type(operation))
        result = (ask or self._plain)(operation, now)
        if isinstance(result, JobkitError):
            raise result
        return cast("R", result)  # the operation's type says which

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        """Carry out operations in order; each error stands in its place."""
        self.check()
        lacks = self._common is not ALL_CAPABILITIES
        if lacks or any(type(each) in self._ask for each in operations):
            return [self._outcome(each, now) for each in operations]
        for each in operations:
            self._note(each, now)
        ones = _answers(self.a, operations, now)
        others = _answers(self.b, operations, now)
        return [self._same(*each) for each in zip(operations, ones, others, strict=True)]

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What both can do: there is nothing to compare in the rest."""
        return self._common

    @property
    def atomic_over(self) -> AtomicOver:
        """How far one push reaches: no farther than that of either store."""
        return "queue" if "queue" in (self.a.atomic_over, self.b.atomic_over) else "store"

    def waiter(self, worker: str) -> Waiter:
        """Return where a worker waits for hints: at the first store."""
        return self.a.waiter(worker)

    def audit(self, queue: str) -> list[str]:
        """Check the invariants of a queue in both stores."""
        found: list[str] = []
        for name, store in (("a", self.a), ("b", self.b)):
            breaches = _tried(store.audit, queue)
            if isinstance(breaches, Exception):
                breaches = [f"the audit raised {breaches!r}"]
            found += [f"{name}: {breach}" for breach in breaches]
        return found

    def checkup(self) -> list[str]:
        """Say what may lose jobs in either place."""
        return [*self.a.checkup(), *self.b.checkup()]

    def close(self) -> None:
        """Close both stores."""
        self.a.close()
        self.b.close()

    def check(self) -> None:
        """Raise the mismatch that was found, if whoever was told of it went on."""
        if self.mismatch is not None:
            raise self.mismatch

    def differ(self, operation: object, a: object, b: object, lines: Sequence[str]) -> Mismatch:
        """Note a mismatch, and return it to be raised."""
        self.mismatch = Mismatch(operation, a, b, lines)
        return self.mismatch

    def _note(self, operation: Operation[Any], now: int | None) -> None:
        self.operations += 1
        match operation:
            case Push():
                self.sent = (operation, now or 0)
                self.touched.update(job.queue for job in operation.jobs)
            case Settle():
                self.touched.add(operation.queue)
                self.touched.update(_children_queues(operation))
            case _:
                self.touched.update(_queue_of(operation))
                if isinstance(operation, Fire):
                    self.fired = operation
                elif isinstance(operation, Sweep):
                    self.sent = (operation, now or 0)

    def _outcome(self, operation: Operation[Any], now: int | None) -> Any:
        try:
            return self.run(operation, now=now)
        except JobkitError as error:
            return error

    def _plain(self, operation: Operation[Any], now: int | None) -> Any:
        return self._same(
            operation, _answer(self.a, operation, now), _answer(self.b, operation, now)
        )

    def _same(self, operation: object, a: Any, b: Any) -> Any:
        """Return what both answered; raise if they do not agree, or have failed."""
        if isinstance(a, Exception) or isinstance(b, Exception):
            self._check_errors(operation, a, b)
        elif a != b:
            raise self.differ(operation, a, b, differing(a, b))
        return a

    def _check_errors(self, operation: object, a: object, b: object) -> None:
        known = isinstance(a, JobkitError) and type(a) is type(b) and str(a) == str(b)
        if known:
            return
        lines = [f"the answer: {_told(a)} | {_told(b)}"]
        if isinstance(a, NotSupported) != isinstance(b, NotSupported):
            lines.append(
                "one of them refuses: let its `capabilities` say so, or leave such steps out with "
                "without=..."
            )
        raise self.differ(operation, a, b, lines)

    # Pages and sweeps, which one store may cut where the other does not.

    def _page(self, page: Page, now: int | None) -> Any:
        theirs = None
        if page.cursor is not None:
            theirs = self._cursors.get((page.queue, page.state, page.cursor))
            if theirs is None:
                raise KeyError(f"{page}: its cursor is of no page that was read here")
        a = _tried(_whole_page, self.a, page, now)
        b = _tried(_whole_page, self.b, replace(page, cursor=theirs), now)
        if isinstance(a, Exception) or isinstance(b, Exception):
            self._check_errors(page, a, b)
            return a
        self._same(page, a.jobs, b.jobs)
        if (a.cursor is None) != (b.cursor is None):
            rest_a, rest_b = (_rest(*each, page, now) for each in ((self.a, a), (self.b, b)))
            self._same(page, rest_a, rest_b)
            return replace(a, cursor=None)
        if a.cursor is not None and b.cursor is not None:
            self._cursors[page.queue, page.state, a.cursor] = b.cursor
        return a

    def _sweep(self, sweep: Sweep, now: int | None) -> Any:
        a, b = (_tried(_whole_sweep, store, sweep, now) for store in (self.a, self.b))
        return self._same(sweep, a, b)


def _queue_of(operation: Operation[Any]) -> tuple[str, ...]:
    queue: str | None = getattr(operation, "queue", None)
    return () if queue is None else (queue,)


def _children_queues(settle: Settle) -> set[str]:
    return {
        child.queue
        for settlement in settle.settlements
        if isinstance(settlement, Succeed)
        for child in settlement.children
    }


def _answer(store: Store, operation: Operation[Any], now: int | None) -> Any:
    return _tried(_run, store, operation, now)


def _run(store: Store, operation: Operation[Any], now: int | None) -> Any:
    return store.run(operation, now=now)


def _tried(do: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return do(*arguments)
    except Exception as error:  # whatever it is, it is an answer to compare
        return error


def _answers(store: Store, operations: Sequence[Operation[Any]], now: int | None) -> list[Any]:
    try:
        return store.run_many(operations, now=now)
    except Exception as error:
        return [error] * len(operations)


def _told(answer: object) -> str:
    if isinstance(answer, Exception):
        return f"{type(answer).__name__}: {answer}"
    return repr(answer)[:300]


def _whole_page(store: Store, page: Page, now: int | None) -> StoredPage:
    jobs: tuple[StoredJob, ...] = ()
    cursor = page.cursor
    for _ in range(FARTHEST):
        asked = replace(page, cursor=cursor, limit=page.limit - len(jobs))
        found = store.run(asked, now=now)
        jobs, cursor = (*jobs, *found.jobs), found.cursor
        if cursor is None or len(jobs) >= page.limit:
            break
    return StoredPage(jobs=jobs, cursor=cursor)


def _rest(store: Store, found: StoredPage, page: Page, now: int | None) -> tuple[Any, ...]:
    if found.cursor is None:
        return ()
    return _whole_page(store, replace(page, cursor=found.cursor), now).jobs


def _whole_sweep(store: Store, sweep: Sweep, now: int | None) -> Swept:
    """Sweep to the end: the parts after the first have channels of their own."""
    swept = store.run(sweep, now=now)
    done, part = swept.done, 0
    while swept.cursor is not None:
        part += 1
        channel = f"{sweep.channel}.{part}"
        swept = store.run(replace(sweep, cursor=swept.cursor, channel=channel), now=now)
        done += swept.done
    return Swept(now=swept.now, done=done, cursor=None)
