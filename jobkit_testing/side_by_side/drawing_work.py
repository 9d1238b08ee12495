"""Which step a worker takes next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from jobkit.outcome import (
    Discarded,
    Error,
    Failed,
    GaveUp,
    HandedBack,
    Outcome,
    Snoozed,
    Succeeded,
    TimedOut,
)
from jobkit_testing.side_by_side.dice import Chooser
from jobkit_testing.side_by_side.jobtypes import QUEUES
from jobkit_testing.side_by_side.workers import (
    Again,
    Beat,
    Child,
    End,
    Enter,
    Finish,
    FinishAll,
    Mark,
    Quit,
    Take,
    Tell,
)
from jobkit_testing.side_by_side.world import CrewMember, Step, World

WORKERS: Final = ("ann", "bob", "cid:1")
PROFILES: Final = (*("all",) * 6, "some", "wide", "tight", "none")
LEASES: Final = (30_000, 30_000, 30_000, 10_000, 1_000)
ERRORS: Final = (Error(type="E", message="no"), Error(type="", message='"é"\n%s', traceback="t\nt"))
SECONDS: Final = (
    *(timedelta(seconds=1), timedelta(0), timedelta(milliseconds=1), timedelta(hours=1)),
    timedelta(days=40_000),
)
AT: Final = datetime(2030, 2, 28, 1, 0, 0, 1, tzinfo=UTC)
RESULTS: Final[tuple[object, ...]] = (None, 1, [], {"é": [1.5, None, 2**60]}, "", "=x\n")


class WorkDrawer:
    """Draws the steps of workers. `child`: draws what a handler enqueues."""

    def __init__(self, world: World, dice: Chooser, child: Callable[[], Child]) -> None:
        self._world = world
        self._dice = dice
        self._child = child

    def take(self) -> Step:
        dice = self._dice
        name, queue = self._who()
        member = self._world.crew.get((name, queue))
        if (member is None or member.is_unknown) and not dice.one_in(6):
            return Beat(name, queue, dice.pick(PROFILES))
        only = None
        if dice.one_in(6) and self._world.handles:
            only = dice.recent(list(self._world.handles))
        return Take(
            name,
            queue,
            slots=dice.pick((1, 1, 2, 3, 8, 0)),
            prefetch=dice.pick((0, 0, 0, 1, 2)),
            suspects=dice.pick((1, 1, 1, 0, 2)),
            lease=dice.pick(LEASES),
            idle=dice.one_in(3),
            only=only,
            client=int(dice.one_in(10)),
        )

    def finish(self) -> Step | None:
        dice = self._dice
        member = self._holder()
        if member is None:
            return None
        held = list(member.held)
        labels = dice.some(held, 3) or held[:1]
        if dice.one_in(8):
            labels += dice.some(list(member.given_up), 1)
        if dice.one_in(10):
            labels += labels[:1]  # twice in one request
        as_worker = dice.pick(WORKERS) if dice.one_in(20) else None
        ends = tuple(self.end(label) for label in labels)
        if not ends:
            return None
        return Finish(member.name, member.queue, ends, as_worker, int(dice.one_in(10)))

    def finish_all(self) -> Step | None:
        member = self._holder()
        return None if member is None else FinishAll(member.name, member.queue, self.outcome())

    def end(self, label: str) -> End:
        """Draw how an attempt ended."""
        dice = self._dice
        outcome = self.outcome()
        children: tuple[Child, ...] = ()
        if dice.one_in(3 if isinstance(outcome, Succeeded) else 8):
            children = tuple(self._child() for _ in range(1 + dice.below(2)))
        duration = dice.pick((7, 0, 1, 100_000, 10**9))
        return End(label, outcome, children, duration, late=dice.one_in(12))

    def outcome(self) -> Outcome:
        """Draw an outcome."""
        dice = self._dice
        error = dice.pick(ERRORS)
        match dice.below(10):
            case 0 | 1 | 2:
                return Succeeded(dice.pick(RESULTS))
            case 3 | 4:
                return Failed(error)
            case 5:
                return self._failed_with_time(error)
            case 6:
                return TimedOut(error)
            case 7:
                return Snoozed(dice.pick(SECONDS))
            case 8:
                return GaveUp(error)
            case _:
                how: Any = dice.pick(("discarded", "cancelled"))
                return HandedBack() if dice.one_in(2) else Discarded(error, how)

    def _failed_with_time(self, error: Error) -> Failed:
        if self._dice.one_in(3):
            return Failed(error, at=AT)
        return Failed(error, delay=self._dice.pick(SECONDS))

    def beat(self) -> Beat:
        dice = self._dice
        name, queue = self._who()
        member = self._world.crew.get((name, queue))
        held = [] if member is None else list(member.held)
        return Beat(
            name,
            queue,
            dice.pick(PROFILES) if member is None or dice.one_in(6) else None,
            without=tuple(dice.some(held, 2)) if dice.one_in(4) else (),
            started=dice.below(3),
            lease=dice.pick(LEASES),
            about=dice.pick((b"", b"{}", b'{"lease":30000,"host":"h"}', b"\n\0\xff ")),
            late=dice.one_in(8),
        )

    def again(self) -> Step | None:
        crew = list(self._world.crew.values())
        if not crew:
            return None
        member = self._dice.pick(crew)
        what: Any = self._dice.pick(("claim", "settle", "beat"))
        return Again(member.name, member.queue, what)

    def mark(self) -> Step | None:
        found = self._held()
        return None if found is None else Mark(*found)

    def tell(self) -> Step | None:
        found = self._held()
        if found is None:
            return None
        return Tell(*found, self._dice.pick(("half", "", "é\n")), self._dice.pick((None, 1, 0.5)))

    def quit(self) -> Step | None:
        if not self._dice.one_in(2):
            return None
        member = None if self._dice.one_in(4) else self._holder()
        name, queue = self._who() if member is None else (member.name, member.queue)
        died = not self._dice.one_in(4)
        return Quit(name, queue, died, int(self._dice.one_in(4)))

    def enter(self) -> Step:
        return Enter(self._dice.pick(QUEUES))

    def _who(self) -> tuple[str, str]:
        sizes = self._world.sizes
        busy = [queue for queue in QUEUES if queue in sizes and any(sizes[queue].queued.values())]
        queues = busy if busy and not self._dice.one_in(4) else QUEUES
        return self._dice.pick(WORKERS), self._dice.pick(queues)

    def _holder(self) -> CrewMember | None:
        holders = [member for member in self._world.crew.values() if member.held]
        if not holders or self._dice.one_in(20):
            holders = [member for member in self._world.crew.values() if member.given_up]
        return self._dice.pick(holders) if holders else None

    def _held(self) -> tuple[str, str, str] | None:
        member = self._holder()
        if member is None:
            return None
        labels = [*member.held, *member.given_up]
        return member.name, member.queue, self._dice.pick(labels)
