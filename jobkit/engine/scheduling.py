"""What users and workers do with schedules, as steps: put, remove, declare, fire."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jobkit.checks import queue_name
from jobkit.engine.definition import Definition, define, definition, job_of, parsed
from jobkit.engine.instants import stored_instant
from jobkit.engine.steps import Steps
from jobkit.engine.ticking import grid, step
from jobkit.errors import BackendUnavailable, InvalidOption, InvalidSchedule
from jobkit.handlerset import HandlerSet
from jobkit.plan import Plan, Rule, plan
from jobkit.schedules import Every
from jobkit.store import (
    DueTick,
    DueTicks,
    Fire,
    FireVerdict,
    NewJob,
    NewSchedule,
    PutResult,
    PutSchedule,
    Queues,
    RemoveSchedule,
    Schedules,
    StoredSchedules,
    Ticks,
)

LOOKED_AT_ONCE = 16
MOVED = ("fired", "skipped")
_LOGGER = logging.getLogger("jobkit.schedules")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A schedule to be put: its first tick is found when the store has told its time."""

    new: NewSchedule
    rule: Rule
    start_at: int | None

    def first_tick(self, now: int) -> int | None:
        """Return the first tick from now on; an interval has it at its start, or after one."""
        start_at = self.start_at
        if isinstance(self.rule, Every):
            if start_at is None:
                return grid(self.rule, now)(now)
            return grid(self.rule, start_at)(max(now, start_at) - 1)
        return grid(self.rule, now)(now if start_at is None else max(now, start_at - 1))


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of a look at the ticks of a queue: how many were fired, which ones failed.

    `next`: when to look again for those that did not fail.
    """

    now: int
    next: int | None
    fired: int
    failed: tuple[str, ...]


class Scheduling:
    """The schedules of one backend. `prepare`: from a job and its options to what is stored."""

    def __init__(
        self, handlers: HandlerSet, prepare: Callable[[Any, Mapping[str, Any]], NewJob]
    ) -> None:
        self._handlers = handlers
        self._prepare_job = prepare
        self._complained: set[tuple[str, str, str]] = set()
        self._last_put: tuple[str, str, int] | None = None  # name, queue, instant

    # What users ask for.

    def prepare(self, spec: Any, job: Any, options: Mapping[str, Any]) -> Prepared:
        """Check a call of `schedule`; nothing is stored."""
        asked = plan(spec, job, options, of="schedule")
        rule = asked.known_rule
        if rule is not None and self._handlers.rules.get(rule) is not asked.rule:
            raise InvalidSchedule(
                f"schedule: {asked.rule!r} is not known here: make it so with "
                f"Handlers.rule(...), in this process and in the workers that are to fire it"
            )
        return self.prepared(asked, owner=None)

    def prepared(self, asked: Plan, *, owner: str | None) -> Prepared:
        """Turn a checked plan into what is stored."""
        job = asked.job_type.decode(asked.payload)  # a copy: nobody else has it
        template = self._prepare_job(job, asked.options)
        start_at = None if asked.start_at is None else stored_instant(asked.start_at)
        new = NewSchedule(
            name=asked.name,
            queue=template.queue,
            definition=define(asked, template, start_at),
            grid=f"{asked.spec} {asked.timezone} {'-' if start_at is None else start_at}",
            rule=asked.known_rule,
            limit=asked.limit,
            skips_overlap=asked.overlap == "skip",
            owner=owner,
        )
        return Prepared(new, asked.rule, start_at)

    def put(self, prepared: Prepared) -> Steps[str]:
        """Store a schedule, or bring it up to date, and remove its namesake in another queue."""
        new = prepared.new
        found: StoredSchedules = yield Schedules(queue=new.queue, name=new.name)
        first = prepared.first_tick(found.now)
        put: PutResult = yield PutSchedule(schedule=new, first=first)
        if put.verdict == "never":
            raise InvalidSchedule(
                f"schedule: {prepared.rule!r} never ticks from now on; give one that does"
            )
        queues: tuple[str, ...] = yield Queues()
        for queue in queues:
            if queue != new.queue:
                # Put first, then remove: a crash in between leaves two, never none. Of two who
                # move it to different queues at once, one stays: the later, by name if at once.
                is_ours = self._last_put == (new.name, queue, put.at)
                before = put.at + (is_ours or queue > new.queue)
                yield RemoveSchedule(queue=queue, name=new.name, before=before)
        self._last_put = (new.name, new.queue, put.at)
        return new.name

    def remove(self, name: str) -> Steps[bool]:
        """Remove a schedule from whatever queue it is in."""
        if complaint := queue_name(name):
            raise InvalidOption(f"unschedule: name={name!r}: {complaint}")
        removed = False
        queues: tuple[str, ...] = yield Queues()
        for queue in queues:
            removed |= yield RemoveSchedule(queue=queue, name=name)
        return removed

    # What workers do.

    def declared(self) -> list[tuple[str, Plan]]:
        """List the declared schedules, each with its owner."""
        return [
            (group.owner, asked)
            for group in self._handlers.groups
            for asked in group.contents.schedules.values()
        ]

    def put_declared(self, owner: str, asked: Plan) -> Steps[NewSchedule | None]:
        """Put a declared schedule; one that cannot be is left out, and that is logged."""
        try:
            prepared = self.prepared(asked, owner=owner)
            yield from self.put(prepared)
        except BackendUnavailable:
            raise
        except Exception as error:  # it never ticks again, or users' code failed: a rule, a hook
            self._complain(asked.name, "cannot be declared", error)
            return None
        return prepared.new

    def fire_due(self, queue: str) -> Steps[Looked]:
        """Fire what is due in a queue, until nothing is that could be fired here.

        Those whose rule is not known here are left to others, those that failed as well.
        """
        failed: tuple[str, ...] = ()
        fired = 0
        while True:
            rules = tuple(sorted(self._handlers.rules))
            look: DueTicks = yield Ticks(
                queue=queue, rules=rules, skip=failed, limit=LOOKED_AT_ONCE
            )
            following = [look.next]
            is_over = len(look.due) < LOOKED_AT_ONCE
            for due in look.due:
                fire = self._fire(queue, due, look.now)
                verdict: FireVerdict = "early" if fire is None else (yield fire)
                fired += verdict == "fired"
                if fire is None or verdict == "early":
                    failed = (*failed, due.name)
                elif verdict in MOVED and (fire.next is None or fire.next > look.now):
                    following.append(fire.next)
                else:
                    is_over = False
            if is_over:
                known = [at for at in following if at is not None]
                return Looked(look.now, min(known, default=None), fired, failed)

    def _fire(self, queue: str, due: DueTick, now: int) -> Fire | None:
        try:
            what = definition(due.definition)
            rule = self.rule_of(what)
            if rule is None:
                return None
            todo = step(grid(rule, due.first), due.tick, now, what.missed)
        except Exception as error:  # a user's rule, or a definition of a later version
            self._complain(due.name, "cannot be fired here", error)
            return None
        job = None if todo.tick is None else job_of(what, due.name, queue, todo.tick)
        return Fire(
            queue=queue,
            name=due.name,
            expected=due.tick,
            next=todo.next,
            job=job,
            missed=todo.missed and what.missed == "all",
        )

    def rule_of(self, what: Definition) -> Rule | None:
        """Return the rule of a definition; None if it is a `Schedule` that is not known here."""
        if what.rule is not None:
            return self._handlers.rules.get(what.rule)
        return parsed(what.spec, what.timezone)

    def _complain(self, name: str, what: str, error: Exception) -> None:
        """Say what is wrong with a schedule, but not again with each tick."""
        known = (name, what, type(error).__name__)
        if known not in self._complained:
            self._complained.add(known)
            _LOGGER.error("schedule %s %s: %r", name, what, error)
