"""Short series of steps that chance alone would hardly bring together, at the moments that count.

Each goes to an edge: the millisecond at which a lease, a key or a copy's time is over, the loss
that is one too many, the tick past a limit. What else is drawn goes on around them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, Protocol

from jobkit.options import Unique
from jobkit.outcome import Error, Failed, GaveUp, HandedBack, Outcome, Succeeded
from jobkit.store import (
    MINUTE_LENGTH,
    MINUTES_KEPT,
    OWNER_SILENT,
    REPLAY_WINDOW,
    UNDECLARED_REMOVED,
)
from jobkit_testing.side_by_side.dice import Chooser
from jobkit_testing.side_by_side.drawing_work import ERRORS, WORKERS
from jobkit_testing.side_by_side.jobtypes import QUEUES, Export, Note, Sole
from jobkit_testing.side_by_side.ticking import DeclareAll, Fire, Schedule, SendAgain, Wait
from jobkit_testing.side_by_side.users import Act, Enqueue, Overview, Pause
from jobkit_testing.side_by_side.workers import (
    Again,
    Beat,
    End,
    Enter,
    Finish,
    FinishAll,
    Mark,
    Quit,
    Take,
    Tell,
)
from jobkit_testing.side_by_side.world import Step

EDGES: Final = (0, -1, 1)
SPANS: Final = (2_000, 60_000)


class Source(Protocol):
    """Who names jobs and draws children."""

    def label(self) -> str: ...
    def enqueue(self) -> Enqueue: ...


class Scenes:
    """Draws series of steps."""

    def __init__(self, dice: Chooser, source: Source) -> None:
        self._dice = dice
        self._source = source
        self._scenes: tuple[Callable[[], list[Step]], ...] = (
            *(self.poison, self.expiry, self.contention, self.span, self.copies),
            *(self.cancelled_run, self.limited_ticks, self.undeclared, self.old_list),
            *(self.full_lane, self.ends, self.many_attempts, self.minutes, self.again_by_same),
        )

    def draw(self) -> list[Step]:
        """Return the steps of one of them."""
        return self._dice.pick(self._scenes)()

    def poison(self) -> list[Step]:
        """Lose one job again and again."""
        queue, label = self._dice.pick(QUEUES), self._source.label()
        job = self._dice.pick((Note(), Note(), Export()))
        steps: list[Step] = [Enqueue(label, job, {"queue": queue, "priority": -32768})]
        for _ in range(2 + self._dice.below(3)):
            name = self._dice.pick(WORKERS)
            steps += [Beat(name, queue, "all"), Take(name, queue, only=label)]
            steps.append(Quit(name, queue, died=True))
        return steps

    def expiry(self) -> list[Step]:
        """Let a lease run out, or nearly, while another worker shows that the queue is alive."""
        dice = self._dice
        queue, lease = dice.pick(QUEUES), dice.pick((30_000, 3_000))
        holder, other = dice.pick(((WORKERS[0], WORKERS[1]), (WORKERS[1], WORKERS[2])))
        label = self._source.label()
        steps: list[Step] = [
            Enqueue(label, Note(), {"queue": queue}),
            Beat(other, queue, "all"),
            Beat(holder, queue, "all"),
            Take(holder, queue, lease=lease, slots=dice.below(2), prefetch=1),
        ]
        for _ in range(3):
            steps += [Wait(lease // 3), Beat(other, queue)]
        edge = dice.pick(EDGES)
        steps += [Wait(edge), Take(other, queue, slots=2, lease=lease)]
        steps.append(Finish(holder, queue, (End(label, Succeeded(1)),)))
        return steps

    def contention(self) -> list[Step]:
        """Enqueue under one key from all sides, while its holder waits, runs, or has ended."""
        dice, queue = self._dice, "default"
        kind: Any = dice.pick((Note, Sole))
        steps: list[Step] = []
        labels = [self._source.label() for _ in range(4)]
        for number, label in enumerate(labels):
            unique = Unique(
                key="k",
                until=dice.pick(("done", "started")),
                ttl=dice.pick((None, timedelta(seconds=2))),
                on_conflict=dice.pick(("replace", "return", "raise")),
            )
            options: dict[str, Any] = {"unique": unique, "metadata": {"n": str(number)}}
            if dice.one_in(3):
                options["delay"] = timedelta(seconds=1)
            steps.append(Enqueue(label, kind(number=number), options))
            steps += self._between(label, queue)
        return [*steps, Act("retry", labels[0]), Act("retry", labels[1])]

    def _between(self, label: str, queue: str) -> list[Step]:
        dice = self._dice
        name = dice.pick(WORKERS)
        take: list[Step] = [Beat(name, queue, "all"), Take(name, queue, only=label)]
        match dice.below(6):
            case 0 | 5:
                return take
            case 1:
                return [*take, Finish(name, queue, (End(label, Failed(ERRORS[0])),))]
            case 2:
                return [*take, Finish(name, queue, (End(label),)), Act("retry", label)]
            case 3:
                return [Act("reschedule", label, dice.pick((5_000, 1_000)))]
            case _:
                return [Wait(dice.pick((2_000, 1_999, 1_000)))]

    def span(self) -> list[Step]:
        """Enqueue again when the time of a key is just over, or is not."""
        dice = self._dice
        span = dice.pick(SPANS)
        unique = Unique(
            key="s", until=dice.pick(("started", "done")), ttl=timedelta(milliseconds=span)
        )
        first, second, third = (self._source.label() for _ in range(3))
        steps: list[Step] = [Enqueue(first, Note(), {"unique": unique})]
        moved = dice.pick((0, 0, 500, -500))
        if moved:
            steps.append(Act("reschedule", first, moved))
        steps.append(Enqueue(second, Note(number=1), {"unique": unique}))
        steps.append(Wait(span + moved + dice.pick(EDGES)))
        return [*steps, Enqueue(third, Note(number=2), {"unique": unique})]

    def copies(self) -> list[Step]:
        """Send a push again at the end of the time in which it is recognised."""
        wait = REPLAY_WINDOW + self._dice.pick((0, -1))
        return [self._source.enqueue(), Wait(wait), SendAgain()]

    def cancelled_run(self) -> list[Step]:
        """Succeed with children, perhaps cancelled meanwhile, and perhaps say so twice."""
        dice = self._dice
        queue, name, label = dice.pick(QUEUES), dice.pick(WORKERS), self._source.label()
        child = Enqueue(self._source.label(), Note(), {"queue": dice.pick(QUEUES)})
        steps: list[Step] = [
            Enqueue(label, Note(), {"queue": queue}),
            Beat(name, queue, "all"),
            Take(name, queue, only=label),
        ]
        if dice.one_in(2):
            steps.append(Act("cancel", label))
            steps += [Wait(5), Act("cancel", label)] if dice.one_in(2) else [Beat(name, queue)]
        steps.append(Finish(name, queue, (End(label, Succeeded("x"), (child,)),)))
        return [*steps, Again(name, queue, "settle")]

    def limited_ticks(self) -> list[Step]:
        """Fire a schedule past its limit, some of its jobs having run."""
        dice = self._dice
        queue, name = dice.pick(QUEUES), dice.pick(WORKERS)
        limit = 1 + dice.below(3)
        options = {"limit": limit, "queue": queue}
        if dice.one_in(3):
            options = {"overlap": "skip", "queue": queue}
        steps: list[Step] = [Schedule("limited", timedelta(seconds=20), Note(), options)]
        for _ in range(limit + 1):
            steps += [Wait(20_000), Fire(queue)]
            if dice.one_in(3):
                steps += [Beat(name, queue, "all"), Take(name, queue), FinishAll(name, queue)]
        if dice.one_in(2):
            steps.append(FinishAll(name, queue))
            spec: Any = dice.pick(("@daily", timedelta(seconds=30)))
            steps.append(Schedule("limited", spec, Note(), options))
        return steps

    def undeclared(self) -> list[Step]:
        """Declare a schedule, then leave it out for as long as it is kept."""
        dice = self._dice
        queue, times = dice.pick(QUEUES), 1 + dice.below(7)
        pause = dice.pick((UNDECLARED_REMOVED // 6, OWNER_SILENT, OWNER_SILENT + 1))
        mine = Schedule("declared", "@daily", Note())
        steps: list[Step] = [DeclareAll("app", queue, (mine,))]
        for _ in range(times):
            steps += [Wait(pause), DeclareAll("app", queue)]
        if dice.one_in(2):
            steps += [Wait(UNDECLARED_REMOVED), DeclareAll("app", queue)]
        return steps

    def old_list(self) -> list[Step]:
        """Tell a queue late of what was paused over all queues before."""
        queue = self._dice.pick(QUEUES)
        steps: list[Step] = [
            Pause(None, "side.Note"),
            Enter(queue),
            Pause(None, "side.Note", resume=True),
        ]
        steps += [Enter(self._dice.pick(QUEUES)), Enter(queue, late=True)]
        name = self._dice.pick(WORKERS)
        return [*steps, Enqueue(self._source.label(), Note(), {"queue": queue}), Take(name, queue)]

    def full_lane(self) -> list[Step]:
        """Take more of a limited type than may run, by workers that see the limit differently."""
        dice = self._dice
        queue = dice.pick(QUEUES)
        steps: list[Step] = [
            Enqueue(self._source.label(), Export(number), {"queue": queue}) for number in range(4)
        ]
        for name in WORKERS:
            steps.append(Beat(name, queue, dice.pick(("all", "wide", "tight"))))
            steps.append(Take(name, queue, slots=dice.pick((2, 1, 8)), prefetch=dice.below(2)))
        return steps

    def ends(self) -> list[Step]:
        """End as many jobs as are kept, and one more."""
        dice = self._dice
        queue, name = dice.pick(QUEUES), dice.pick(WORKERS)
        outcome = Succeeded() if dice.one_in(2) else Failed(ERRORS[0])
        steps: list[Step] = [Beat(name, queue, "all")]
        for number in range(3 + dice.below(4)):
            label = self._source.label()
            steps.append(Enqueue(label, Note(number=number), {"queue": queue, "max_retries": 0}))
            steps.append(Take(name, queue, only=label))
            steps.append(Finish(name, queue, (End(label, outcome),)))
        return steps

    def many_attempts(self) -> list[Step]:
        """Fail one job more often than attempts are kept; then let it run anew."""
        dice = self._dice
        queue, name, label = dice.pick(QUEUES), dice.pick(WORKERS), self._source.label()
        options = {"queue": queue, "max_retries": None, "priority": -32768}
        steps: list[Step] = [Enqueue(label, Note(), options), Beat(name, queue, "all")]
        now = timedelta(0)
        error = ERRORS[0]
        for number in range(9 + dice.below(4)):
            end = End(label, Failed(Error(type="E", message=str(number)), delay=now))
            steps += [Take(name, queue, only=label), Finish(name, queue, (end,))]
        steps.append(Take(name, queue, only=label))
        last: Outcome = Succeeded() if dice.one_in(2) else GaveUp(error)
        steps.append(Finish(name, queue, (End(label, last),)))
        return [*steps, Act("look", label), Act("retry", label)]

    def minutes(self) -> list[Step]:
        """End a job now, and another when the first one's minute is just over, or forgotten."""
        dice = self._dice
        queue, name = dice.pick(QUEUES), dice.pick(WORKERS)
        waits = (MINUTES_KEPT, MINUTES_KEPT - 1, 1, MINUTES_KEPT + 1)
        steps: list[Step] = []
        for _ in range(2):
            label = self._source.label()
            steps += [Enqueue(label, Note(), {"queue": queue}), Beat(name, queue, "all")]
            steps.append(Take(name, queue, only=label))
            steps.append(Finish(name, queue, (End(label),)))
            steps.append(Wait(dice.pick(waits) * MINUTE_LENGTH))
            steps.append(Overview("stats"))
        return steps

    def again_by_same(self) -> list[Step]:
        """Let a worker claim a job again that it has lost, and settle it by the lease it had."""
        dice = self._dice
        queue, name, label = dice.pick(QUEUES), dice.pick(WORKERS), self._source.label()
        outcomes: tuple[Outcome, ...] = (Succeeded(), HandedBack(), Failed(ERRORS[0]))
        steps: list[Step] = [Enqueue(label, Note(), {"queue": queue})]
        for _ in range(2):
            steps += [Beat(name, queue, "all"), Take(name, queue, only=label)]
            if dice.one_in(2):
                steps.append(Quit(name, queue, died=True))
            else:
                steps.append(Finish(name, queue, (End(label, HandedBack()),)))
        steps += [Beat(name, queue, "all"), Take(name, queue, only=label)]
        steps.append(Finish(name, queue, (End(label, dice.pick(outcomes), late=True),)))
        return [*steps, Tell(name, queue, label, "late"), Mark(name, queue, label)]
