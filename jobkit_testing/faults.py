"""`jobs.faults`: what goes wrong in production, made to happen in a test."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, get_args

from jobkit.clock import MILLISECOND
from jobkit.description import describe
from jobkit.errors import BackendUnavailable, InvalidOption
from jobkit.jobtype import DataclassLike
from jobkit.store import MAX_LOSSES, NewJob, StoredJob
from jobkit_testing.enqueues import FailingEnqueue, OnEnqueue
from jobkit_testing.matching import Pattern, pattern
from jobkit_testing.mishaps import CRASHES, Mishap, When, delivered, lose_lease

J = TypeVar("J", bound=DataclassLike)


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """Something that is to befall the next attempt that fits; `attempt` None: any."""

    words: str
    wanted: Pattern[Any]
    mishap: Mishap
    attempt: int | None = None

    def fits(self, stored: StoredJob) -> bool:
        """Tell whether it is meant for this attempt."""
        if self.attempt is not None and self.attempt != 1 + stored.failures + stored.timeouts:
            return False
        return self.wanted.fits(stored)


class Faults:
    """What is to go wrong. Each fault happens once, to the first attempt that fits.

    `spec` is a job class, or an instance that the payload has to equal, as in assertions. What
    has not happened yet is `pending`; the timeline shows what has. After a crash the job is
    `running` under the lease of a dead worker: `drain` leaves it, counted as "future", and
    `run_for(lease)` lets another worker take it over.
    """

    def __init__(self, skew: Callable[[int], object]) -> None:
        self.armed = False  # whether some attempt is to fail
        self.on_enqueue: OnEnqueue | None = None  # asked at each enqueue, if there is something
        self._otherwise: OnEnqueue | None = None
        self._failing: deque[FailingEnqueue] = deque()
        self._planned: list[Planned] = []
        self._skew = skew
        self._skewed = timedelta(0)

    def __repr__(self) -> str:
        skewed = [f"skew({self._skewed!r})"] if self._skewed else []
        return f"<Faults pending: {', '.join([*self.pending, *skewed]) or 'none'}>"

    @property
    def pending(self) -> tuple[str, ...]:
        """The faults that have not happened yet, as they were asked for."""
        planned = [each.words for each in self._planned]
        return (*planned, *(each.words for each in self._failing))

    def crash(self, spec: type[J] | J, *, when: When = "before_run", attempt: int = 1) -> None:
        """Let the worker of a job die.

        "before_run": it has claimed the job, and the handler does not begin. "before_ack": the
        handler has run, and nobody hears of it. "after_ack": the store has noted the end of the
        attempt, and the worker dies before it hears so: nothing runs again, no hook is called.
        `attempt` is that of `ctx.attempt`, which a run repeats after a loss.
        """
        if when not in CRASHES:
            names = ", ".join(map(repr, get_args(When)))
            raise InvalidOption(f"faults.crash: when={when!r}: give one of {names}")
        if type(attempt) is not int or attempt < 1:
            raise InvalidOption(f"faults.crash: attempt={attempt!r}: give an int of at least 1")
        words = f"when={when!r}" + (f", attempt={attempt}" if attempt != 1 else "")
        self._plan("crash", spec, words, CRASHES[when], attempt)

    def duplicate(self, spec: type[J] | J, copies: int = 2) -> None:
        """Deliver a job several times, as happens when leases are lost unnoticed.

        Handlers run one after the other, to their ends; only the last one's is settled. At most
        three copies: a job that is lost three times is dead (B37).
        """
        if type(copies) is not int or not 2 <= copies <= MAX_LOSSES:
            raise InvalidOption(
                f"faults.duplicate: copies={copies!r}: give 2 or {MAX_LOSSES}; a job that is lost "
                f"{MAX_LOSSES} times is dead"
            )
        self._plan("duplicate", spec, f"copies={copies}", delivered(copies))

    def lose_lease(self, spec: type[J] | J) -> None:
        """Take the lease of a job when its handler begins, and tell the handler.

        `ctx.cancelled` is set (reason "lost"), so an async handler is cancelled at its first
        await; its check-ins, what it enqueues on `ctx` and its end are refused (B38), and the job
        runs again. That counts as a loss.
        """
        self._plan("lose_lease", spec, "", lose_lease)

    def enqueue(self, error: Exception | type[Exception], *, stored: bool) -> None:
        """Let the next enqueue raise this, and store its jobs before if `stored`.

        That is the next `enqueue` or `enqueue_many`, the end of the next transaction, or the next
        enqueue on a handler's `ctx`, whichever comes first; there, what is `stored` is held until
        the handler succeeds. The class `BackendUnavailable` will do for an outage.
        """
        # Types are a promise that user code may break at run time.
        if type(stored) is not bool:
            raise InvalidOption(f"faults.enqueue: stored={stored!r}: give True or False")
        made = _checked_error(error, stored=stored)
        words = f"enqueue({made!r}, stored={stored})"
        self._failing.append(FailingEnqueue(words, made, stored))
        self.on_enqueue = self._next_enqueue

    def skew(self, delta: timedelta) -> None:
        """Set the store's clock ahead of the virtual one by so much, or behind it if negative.

        As if the clock of Redis' machine were wrong: due times, leases, retention and the instants
        of records are the store's. `jobs.clock`, timers, deadlines and `datetime.now()` of the
        code under test stay as they are. It holds until the next `skew`; none is `timedelta(0)`.
        """
        # Types are a promise that user code may break at run time.
        if not isinstance(delta, timedelta):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidOption(f"faults.skew({delta!r}): give a datetime.timedelta")
        self._skewed = delta
        self._skew(round(delta / MILLISECOND))

    def clear(self) -> None:
        """Forget what has not happened yet, and let the store's clock be right."""
        self._planned.clear()
        self._failing.clear()
        self.on_enqueue = self._otherwise
        self.armed = False
        if self._skewed:
            self._skewed = timedelta(0)
            self._skew(0)

    # For those who make them happen.

    def take(self, stored: StoredJob) -> Mishap | None:
        """Return what is to befall this attempt, and forget it."""
        for planned in self._planned:
            if planned.fits(stored):
                self._planned.remove(planned)
                self.armed = bool(self._planned)
                return planned.mishap
        return None

    def planned_for(self, new: NewJob, job: object) -> str | None:
        """Return in words what is to befall the first attempt of a job that is not stored yet."""
        for each in self._planned:
            fits = each.wanted.fits_type(new) and each.wanted.job in (None, job)
            if fits and each.attempt in (None, 1):
                return each.words
        return None

    def ask_always(self, ask: OnEnqueue) -> None:
        """Ask this what is to become of each enqueue of which nobody has said so."""
        self.on_enqueue = self._otherwise = ask

    @contextmanager
    def asking(self, ask: OnEnqueue) -> Generator[None]:
        """Ask somebody else what is to become of the enqueues in the block."""
        before, self.on_enqueue = self.on_enqueue, ask
        try:
            yield
        finally:
            self.on_enqueue = before

    def _next_enqueue(self, _: bool) -> FailingEnqueue | None:
        failing = self._failing.popleft()
        if not self._failing:
            self.on_enqueue = self._otherwise
        return failing

    def _plan(
        self, name: str, spec: Any, words: str, mishap: Mishap, attempt: int | None = None
    ) -> None:
        wanted: Pattern[Any] = pattern(f"faults.{name}", spec, match={})
        whom = spec.__qualname__ if isinstance(spec, type) else describe(spec)
        text = f"{name}({', '.join(filter(None, (whom, words)))})"
        self._planned.append(Planned(text, wanted, mishap, attempt))
        self.armed = True


def _checked_error(error: Any, *, stored: bool) -> Exception:
    made = _made(error, stored=stored)
    if isinstance(made, BackendUnavailable):
        if stored and made.stored == "no":
            raise InvalidOption(
                f"faults.enqueue: stored=True and {made!r} says that nothing was stored: give "
                f"BackendUnavailable(..., stored='unknown')"
            )
        made.passing = False  # the time for trying again is over
    return made


def _made(error: Any, *, stored: bool) -> Exception:
    if isinstance(error, Exception):
        return error
    if isinstance(error, type) and issubclass(error, BackendUnavailable):
        return error("the store is out of reach", stored="unknown" if stored else "no")
    if isinstance(error, type) and issubclass(error, Exception):
        try:
            return error()
        except TypeError as why:
            raise InvalidOption(
                f"faults.enqueue: {error.__qualname__} cannot be made without arguments ({why}): "
                "give an instance"
            ) from why
    raise InvalidOption(f"faults.enqueue: error={error!r}: give an exception, or a class of one")
