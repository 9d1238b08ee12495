"""The schedules of a memory queue: their grids, their ticks, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from jobkit.store import (
    CAUGHT_UP_PER_MINUTE,
    ENDED_LISTED,
    OWNER_SILENT,
    UNDECLARED_REMOVED,
    Declare,
    Declared,
    DueTick,
    DueTicks,
    Fire,
    FireVerdict,
    NewSchedule,
    PutResult,
    PutSchedule,
    RemoveSchedule,
    StoredSchedule,
    Ticks,
)

MINUTE = 60_000


@dataclass(slots=True, kw_only=True)
class KeptSchedule:
    """What is kept of one schedule; `look`: when to look at it next, its tick or later.

    `caught_up`: when the minute began in which missed ticks are counted, and how many they are.
    """

    new: NewSchedule
    first: int
    tick: int | None
    look: int
    put_at: int
    declared_at: int
    successes: int = 0
    unfinished: set[str] = field(default_factory=set[str])
    last_tick: int | None = None
    last_job: str | None = None
    last_outcome: str | None = None
    ended_at: int | None = None
    caught_up: tuple[int, int] = (0, 0)

    def begin(self, first: int) -> None:
        """Start anew with this tick; the last run stays in memory."""
        self.first = self.tick = self.look = first
        self.ended_at = None
        self.successes = 0
        self.unfinished = set()
        self.caught_up = (0, 0)

    def move(self, tick: int | None, now: int) -> None:
        """Wait for another tick; None: end."""
        self.tick = tick
        if tick is None:
            self.ended_at = now
        else:
            self.look = tick

    @property
    def is_used_up(self) -> bool:
        """Whether it has had as many successes as it may."""
        return self.new.limit is not None and self.successes >= self.new.limit

    @property
    def is_full(self) -> bool:
        """Whether it might go past its limit if one more tick were fired."""
        limit = self.new.limit
        return limit is not None and self.successes + len(self.unfinished) >= limit

    def is_listed(self, now: int) -> bool:
        """Tell whether it is still to be seen."""
        ended = self.ended_at
        return ended is None or now < max(ended, self.put_at) + ENDED_LISTED

    def stored(self) -> StoredSchedule:
        """Return the schedule as readers see it."""
        return StoredSchedule(
            schedule=self.new,
            first=self.first,
            tick=self.tick,
            successes=self.successes,
            unfinished=len(self.unfinished),
            last_tick=self.last_tick,
            last_job=self.last_job,
            last_outcome=self.last_outcome,
            ended_at=self.ended_at,
        )


class Schedules:
    """The schedules of one queue by name, and when workers of which owner were last alive."""

    def __init__(self) -> None:
        self.by_name: dict[str, KeptSchedule] = {}
        self.owners: dict[str, tuple[int, int]] = {}  # alive since, last declared
        self.next_look: int | None = None

    # What users and workers ask for.

    def put(self, operation: PutSchedule, now: int) -> PutResult:
        """Store a schedule, or bring it up to date."""
        self._forget_ended(now)
        new, first = operation.schedule, operation.first
        known = self.by_name.get(new.name)
        if known is None or known.new.grid != new.grid:
            if first is None:
                return PutResult(verdict="never", at=now)
            if known is None:
                known = self.by_name[new.name] = KeptSchedule(
                    new=new, first=first, tick=first, look=first, put_at=now, declared_at=now
                )
            known.begin(first)
            verdict: Literal["created", "changed", "same"] = "created"
        elif known.new == new:
            verdict = "same"
        else:
            verdict = "changed"
        known.new = new
        known.put_at = known.declared_at = now
        if verdict == "changed":
            self._heed_limit(known, first, now)
        if new.owner is not None:
            self.owners.setdefault(new.owner, (now, now))
        self._looks_changed()
        return PutResult(verdict=verdict, at=now)

    def _heed_limit(self, known: KeptSchedule, first: int | None, now: int) -> None:
        """End a schedule that is past its new limit; go on with one that its old limit ended."""
        if known.is_used_up and known.tick is not None:
            known.move(None, now)
        elif known.tick is None and not known.is_used_up and first is not None:
            known.ended_at = None
            known.move(first, now)

    def remove(self, operation: RemoveSchedule) -> bool:
        """Remove a schedule; with `before`, only an older one."""
        known = self.by_name.get(operation.name)
        if known is None or (operation.before is not None and known.put_at >= operation.before):
            return False
        del self.by_name[operation.name]
        self._looks_changed()
        return True

    def due(self, operation: Ticks, now: int) -> DueTicks:
        """Find what is due, earliest first, and when the next is."""
        waiting = sorted(
            (kept.look, name)
            for name, kept in self.by_name.items()
            if kept.tick is not None
            and (kept.new.rule is None or kept.new.rule in operation.rules)
            and name not in operation.skip
        )
        due = [self.by_name[name] for look, name in waiting if look <= now]
        return DueTicks(
            now=now,
            due=tuple(_due_tick(kept) for kept in due[: operation.limit]),
            next=next((look for look, _ in waiting if look > now), None),
        )

    def fire(self, operation: Fire, now: int, *, is_unfinished: bool) -> FireVerdict:
        """Move a schedule on; `is_unfinished`: its last tick's job has not ended."""
        kept = self.by_name.get(operation.name)
        if kept is None or kept.tick is None or kept.tick != operation.expected:
            return "passed"
        if operation.expected > now:
            return "early"
        if operation.missed and not self._may_catch_up(kept, now):
            return "waits"
        job = operation.job
        if kept.is_full or (kept.new.skips_overlap and is_unfinished):
            job = None
        if job is not None:
            kept.unfinished.add(job.id)
            kept.last_tick, kept.last_job, kept.last_outcome = job.run_at, job.id, None
        kept.move(None if kept.is_used_up else operation.next, now)
        self._forget_ended(now)
        self._looks_changed()
        return "skipped" if job is None else "fired"

    def _may_catch_up(self, kept: KeptSchedule, now: int) -> bool:
        since, count = kept.caught_up
        if not 0 <= now - since < MINUTE:
            since, count = now, 0
        if count >= CAUGHT_UP_PER_MINUTE:
            kept.look = since + MINUTE
            self._looks_changed()
            return False
        kept.caught_up = (since, count + 1)
        return True

    def declare(self, operation: Declare, now: int) -> Declared:
        """Note that a worker of an owner lives, and remove what it has left out for long."""
        owner = operation.owner
        own = {name: kept for name, kept in self.by_name.items() if kept.new.owner == owner}
        self._forget_ended(now)
        if owner not in self.owners:
            return Declared(known=False)  # a put makes it known
        if not own and not operation.names:
            del self.owners[owner]
            return Declared(known=True)
        since, last = self.owners[owner]
        if now - last > OWNER_SILENT:
            since = now  # nobody was there who could have declared anything
        self.owners[owner] = (since, now)
        removed: list[str] = []
        for name, kept in sorted(own.items()):
            if name in operation.names:
                kept.declared_at = now
            elif now - max(kept.declared_at, since) >= UNDECLARED_REMOVED:
                self.by_name.pop(name, None)
                removed.append(name)
        self._looks_changed()
        return Declared(known=True, removed=tuple(removed))

    def listed(self, name: str | None, now: int) -> tuple[StoredSchedule, ...]:
        """Read the schedules by name, or one."""
        return tuple(
            kept.stored()
            for key, kept in sorted(self.by_name.items())
            if kept.is_listed(now) and name in (None, key)
        )

    # What happens to the jobs of ticks.

    def tick_ended(self, name: str, job_id: str, outcome: str, now: int) -> None:
        """Note that the job of a tick has ended, for the first time."""
        kept = self.by_name.get(name)
        if kept is None:
            return
        if kept.last_job == job_id:
            kept.last_outcome = outcome
        if job_id not in kept.unfinished:
            return  # of a grid that is no more
        kept.unfinished.remove(job_id)
        kept.successes += outcome == "succeeded"
        if kept.is_used_up and kept.tick is not None:
            kept.move(None, now)
            self._looks_changed()

    def _forget_ended(self, now: int) -> None:
        for name, kept in list(self.by_name.items()):
            if not kept.is_listed(now):
                del self.by_name[name]

    def _looks_changed(self) -> None:
        looks = (kept.look for kept in self.by_name.values() if kept.tick is not None)
        self.next_look = min(looks, default=None)


def _due_tick(kept: KeptSchedule) -> DueTick:
    assert kept.tick is not None  # only such are due
    return DueTick(
        name=kept.new.name, tick=kept.tick, first=kept.first, definition=kept.new.definition
    )
