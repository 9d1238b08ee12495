"""`assert_idempotent`: a job that was done is delivered again, in every way in which it happens.

At least once means that a handler runs again when its worker died, or lost its lease, before the
success was stored. So the job runs once, cleanly, and what `observe` sees then is what has to
stay. Then the same job, with the same id, is there again as if that success had never been stored,
and is delivered, interrupted and delivered once more. None of these runs is settled, so what the
handler enqueues on its context is dropped, as in production; whatever else it does is done.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, NoReturn

from jobkit.clock import from_milliseconds
from jobkit.description import describe
from jobkit.engine import Engine
from jobkit.errors import InvalidOption, WrongState
from jobkit.record import JobState
from jobkit.store import Delete, NewJob, Operation, Push
from jobkit_testing.dying import Dying
from jobkit_testing.enqueues import FailingEnqueue
from jobkit_testing.matching import compare
from jobkit_testing.mishaps import (
    Mishap,
    crash_at_await,
    crash_at_enqueue,
    crash_before_ack,
    crash_before_run,
    lose_lease,
    lose_lease_unawares,
)
from jobkit_testing.running import Attempts, Ran
from jobkit_testing.runs import Runs, let_escape
from jobkit_testing.workshop import Workshop

LETTERS = "ABCDEFGH"  # more workers than one way has steps
MOST_DIFFERENCES = 8
ENQUEUES_TRIED = AWAITS_TRIED = 20
CHANNEL = "assert_idempotent"
MEND = (
    "  ctx.id is the same in every run of a job: let what the handler changes know it again by "
    "that (an idempotency key, a unique column), or look and act in one transaction"
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of the job, and how to tell of it."""

    mishap: Mishap
    words: str


TO_THE_END = Delivery(crash_before_ack, "ran it to the end, and died before that was stored")
NOT_BEGUN = Delivery(crash_before_run, "claimed it, and died before the handler began")
TOLD = Delivery(lose_lease, "lost its lease while the handler ran, and told it so")
UNAWARES = Delivery(lose_lease_unawares, "ran it to the end, and had lost its lease unawares")


class Idempotency:
    """Runs one job again and again, and compares what is observed."""

    def __init__(
        self,
        engine: Engine,
        shop: Workshop,
        runs: Runs,
        quietly: Callable[[Operation[Any]], Any],
        *,
        job: Any,
        observe: Callable[[], object],
    ) -> None:
        self._engine = engine
        self._shop = shop
        self._runs = runs
        self._quietly = quietly
        self._job = job
        self._observe = observe
        self._steps: list[tuple[str, str]] = []  # who, and what
        self._pushes = 0

    def check(self) -> Attempts[None]:
        """Raise `AssertionError` if running again changes what is observed."""
        __tracebackhide__ = True
        before = self._observed()  # whatever is wrong with it, nothing has run yet
        new = self._runs.admission.prepare(self._job, {}, by=CHANNEL)
        self._refuse_once(new)
        self._refuse_planned(new)
        enqueues = yield from self._run_cleanly(new)
        expected = self._observed()
        if expected != self._observed():
            raise InvalidOption(
                "assert_idempotent: observe() gives something else at each call, though nothing "
                "runs in between: return values that compare by what they hold, such as a dict"
            )
        if expected == before:
            raise AssertionError(
                f"assert_idempotent: the first run of {describe(self._job)}, without any fault, "
                f"changed nothing that observe() sees, which is {describe(expected)} before and "
                "after: return what the handler changes, and let there be something to do"
            )
        first = self._steps[0]
        for way in chain(_ways(enqueues), self._ways_at_awaits(new)):
            self._steps = [first]
            yield from self._deliver(new, way)
            observed = self._observed()
            if observed != expected:
                self._fail(expected, observed)
        self._quietly(Delete(queue=new.queue, id=new.id))

    def _run_cleanly(self, new: NewJob) -> Attempts[int]:
        """Let the job succeed, and return how often it enqueued something meanwhile."""
        __tracebackhide__ = True
        enqueues = 0

        def count(_: bool) -> FailingEnqueue | None:
            nonlocal enqueues
            enqueues += 1
            return None

        worker = self._shop.on_duty.name
        with self._shop.faults.asking(lambda _: None):
            holder = self._runs.store(new)
        if holder != new.id:
            label = self._shop.timeline.label(holder)
            raise WrongState(
                f"assert_idempotent: job {label} ({new.type}) holds the unique key that this one "
                "would have, and nothing was stored: let that job run first, or reset"
            )
        with self._shop.faults.asking(count):
            record = yield from self._runs.run_stored(new, new.id, raises=True)
        if record.state is not JobState.SUCCEEDED:
            raise WrongState(
                f"assert_idempotent: the first run, without any fault, ended {record.state}: "
                f"let {new.type} succeed first"
            )
        self._steps.append((worker, "ran it, and its success was stored"))
        return enqueues

    def _deliver(self, new: NewJob, way: Sequence[Delivery]) -> Attempts[None]:
        """Put the job back as if it had not run, and deliver it in this way."""
        __tracebackhide__ = True
        self._quietly(Delete(queue=new.queue, id=new.id))
        self._pushes += 1
        self._quietly(Push(jobs=(new,), channel=f"{CHANNEL} {new.id}", request=self._pushes))
        for delivery in way:
            if len(self._steps) > 1:
                self._wait_for_lease(new)
            worker = self._shop.on_duty
            claimed = worker.claim(new.queue, self._shop.lanes(), only=new.id)
            if not claimed.jobs:
                raise WrongState(
                    f"assert_idempotent: {new.type} cannot be delivered again: is it paused, or "
                    "are all slots of its max_concurrency taken?"
                )
            ran: Ran = yield from delivery.mishap(worker, claimed.jobs[0], claimed.now)
            let_escape(ran, raises=False)
            self._steps.append((worker.name, delivery.words))

    def _ways_at_awaits(self, new: NewJob) -> Generator[tuple[Delivery, ...]]:
        """Yield ways to die at each await of an async handler, until it has no more of them."""
        call = self._engine.handlers.call(new.type)
        if call is None or not call.registration.is_async:
            return
        tried: list[Dying] = []
        try:
            while len(tried) < AWAITS_TRIED and (not tried or tried[-1].has_died):
                dying = Dying(len(tried))
                tried.append(dying)
                words = f"died in the handler, at its await no. {len(tried)}"
                yield (Delivery(crash_at_await(dying), words), TO_THE_END)
        finally:
            for dying in tried:
                dying.close()

    def _wait_for_lease(self, new: NewJob) -> None:
        """Let time pass until nobody holds the job."""
        while (end := self._shop.orphans.end_of(new.id)) is not None and end > self._shop.now():
            self._shop.clock.travel_to(from_milliseconds(end))

    def _observed(self) -> object:
        """Return a copy of what is observed: the original may change with the next run."""
        if not _is_callable(self._observe):
            raise InvalidOption(
                f"assert_idempotent: observe={self._observe!r}: give a function that returns what "
                "the handler changes, such as observe=lambda: charges"
            )
        seen = self._observe()
        if inspect.isawaitable(seen):
            if inspect.iscoroutine(seen):
                seen.close()
            raise InvalidOption("assert_idempotent: observe is async; give a plain function")
        try:
            return copy.deepcopy(seen)
        except Exception as error:
            raise InvalidOption(
                f"assert_idempotent: what observe() gives cannot be copied ({error!r}): return "
                "plain values, such as a number, or a dict or list of them"
            ) from error

    def _refuse_planned(self, new: NewJob) -> None:
        planned = self._shop.faults.planned_for(new, self._job)
        if planned is not None:
            raise WrongState(
                f"assert_idempotent: jobs.faults.{planned} is pending, and would befall the first "
                "run, which has to be one without any fault; nothing was stored. Leave that out: "
                "assert_idempotent brings about crashes and lost leases itself"
            )

    def _refuse_once(self, new: NewJob) -> None:
        if self._shop.lanes().lanes[new.type].on_lost_dead:
            raise InvalidOption(
                f"assert_idempotent: {new.type} is on_lost='dead': it runs at most once, and "
                "nobody delivers it again"
            )

    def _fail(self, expected: object, observed: object) -> NoReturn:
        __tracebackhide__ = True
        name = describe(self._job)
        lines = [f"{name} is not idempotent: after it ran again, observe() gives another value"]
        names = list(dict.fromkeys(name for name, _ in self._steps))
        for number, (worker, words) in enumerate(self._steps, 1):
            lines.append(f"  {number}. worker {LETTERS[names.index(worker)]} {words}")
        lines += [f"  observed after 1: {describe(expected)}"]
        lines += [f"  observed at last: {describe(observed)}"]
        lines += _differences(expected, observed)
        raise AssertionError("\n".join([*lines, MEND]))


def _is_callable(observe: object) -> bool:
    return callable(observe)


def _ways(enqueues: int) -> Iterator[tuple[Delivery, ...]]:
    """Yield the ways in which to deliver the job; each ends with a whole run."""
    yield (TO_THE_END,)
    yield (NOT_BEGUN, TO_THE_END)
    yield (UNAWARES, TO_THE_END)
    yield (TOLD, TO_THE_END)
    for number in range(min(enqueues, ENQUEUES_TRIED)):
        for stored in (False, True):
            when = "after" if stored else "before"
            words = f"died in the handler, right {when} its enqueue no. {number + 1}"
            crash = crash_at_enqueue(number, stored=stored)
            yield (Delivery(crash, words), TO_THE_END)


def _differences(expected: object, observed: object) -> Iterator[str]:
    found = [each for each in compare(expected, observed, "") if each.path]
    for each in islice(found, MOST_DIFFERENCES):
        yield f"    {each}"
