"""What can befall a worker between two of its steps, as it does in production.

Each is a generator in place of `InlineWorker.work`: it puts the worker's own steps together in
another way, or leaves some out. The store and the engine know nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from typing import Literal, TypeAlias

from jobkit.engine.running import Run
from jobkit.store import StoredJob
from jobkit_testing.dying import Died, Dying
from jobkit_testing.enqueues import FailingEnqueue
from jobkit_testing.running import Attempts, InlineWorker, Ran

When: TypeAlias = Literal["before_run", "before_ack", "after_ack"]
Mishap: TypeAlias = Callable[[InlineWorker, StoredJob, int], Attempts[Ran]]


def crash_before_run(worker: InlineWorker, stored: StoredJob, _: int) -> Attempts[Ran]:
    """Die with the job claimed and its handler not begun."""
    yield from ()
    worker.die(stored, "crashed before the run")
    return worker.left(stored)


def crash_before_ack(worker: InlineWorker, stored: StoredJob, now: int) -> Attempts[Ran]:
    """Die when the handler has run, with nobody told."""
    ending = yield from worker.attempt(stored, now)
    worker.die(stored, "crashed before the settlement")
    return worker.left(stored, ending)


def crash_after_ack(worker: InlineWorker, stored: StoredJob, now: int) -> Attempts[Ran]:
    """Die when the store has the settlement, before its reply arrives."""
    ending = yield from worker.attempt(stored, now)
    if worker.is_dead:
        return worker.left(stored, ending)
    ran = worker.take_note(ending, worker.send(ending))
    worker.die(stored, "crashed after the settlement")
    return ran


def lose_lease(worker: InlineWorker, stored: StoredJob, now: int) -> Attempts[Ran]:
    """Lose the lease when the handler begins; the handler is told."""
    ending = yield from worker.attempt(stored, now, meanwhile=partial(_lose, worker, tell=True))
    return worker.settle(ending)


def lose_lease_unawares(worker: InlineWorker, stored: StoredJob, now: int) -> Attempts[Ran]:
    """Lose the lease when the handler begins, and hear of it when it has ended."""
    ending = yield from worker.attempt(stored, now, meanwhile=partial(_lose, worker, tell=False))
    return worker.settle(ending)


def crash_at_enqueue(number: int, *, stored: bool) -> Mishap:
    """Die inside of the handler: at its enqueue of this number (from 0), before or after it."""
    return partial(_crash_at_enqueue, number=number, with_it=stored)


def _crash_at_enqueue(
    worker: InlineWorker, stored: StoredJob, now: int, *, number: int, with_it: bool
) -> Attempts[Ran]:
    dying = FailingEnqueue("the worker dies", Died("the worker died here"), with_it)
    numbers = count()
    faults = worker.shop.faults
    with faults.asking(lambda _: dying if next(numbers) == number else None):
        ending = yield from worker.attempt(stored, now)
    worker.die(stored, "crashed in the handler")
    return worker.left(stored, ending)


def crash_at_await(dying: Dying) -> Mishap:
    """Die inside of the handler, where it stands still; or at its end, if it does not."""
    return partial(_crash_at_await, dying=dying)


def _crash_at_await(
    worker: InlineWorker, stored: StoredJob, now: int, *, dying: Dying
) -> Attempts[Ran]:
    ending = yield from worker.attempt(stored, now, meanwhile=dying.befall)
    worker.die(stored, "crashed in the handler")
    return worker.left(stored, ending)


def delivered(copies: int) -> Mishap:
    """Deliver a job several times: each worker but the last loses its lease unawares."""
    return partial(_delivered, copies=copies)


def _delivered(worker: InlineWorker, stored: StoredJob, now: int, *, copies: int) -> Attempts[Ran]:
    if copies == 1:
        return (yield from worker.work(stored, now))
    ran = yield from lose_lease_unawares(worker, stored, now)
    if ran.always:
        return ran
    with worker.shop.another() as other:
        claimed = other.claim(stored.queue, worker.shop.lanes(), only=stored.id)
        if not claimed.jobs:  # paused meanwhile, or ended by its loss
            return ran
        return (yield from _delivered(other, claimed.jobs[0], claimed.now, copies=copies - 1))


def _lose(worker: InlineWorker, run: Run, *, tell: bool) -> None:
    lose_lease_of(worker, run.stored, "lost its lease while the handler runs", tell=tell)


def lose_lease_of(worker: InlineWorker, stored: StoredJob, words: str, *, tell: bool) -> None:
    """Let others take the lease of a job; with `tell` the worker hears of it at once."""
    worker.timeline.fault(words, worker.shop.now(), stored)
    worker.lose_leases(stored.queue)
    if tell:
        worker.beat(stored.queue, worker.shop.lanes())


CRASHES: Mapping[When, Mishap] = {
    "before_run": crash_before_run,
    "before_ack": crash_before_ack,
    "after_ack": crash_after_ack,
}
