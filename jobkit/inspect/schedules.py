"""Schedules as users see them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from jobkit.clock import from_milliseconds
from jobkit.engine import Engine, Steps
from jobkit.engine.definition import Definition, definition
from jobkit.engine.records import decode_metadata
from jobkit.engine.ticking import grid
from jobkit.errors import InvalidJob
from jobkit.scheduleinfo import ScheduleInfo
from jobkit.store import Queues, Schedules, StoredSchedule, StoredSchedules

SHOWN_RUNS = 5
_LOGGER = logging.getLogger("jobkit.schedules")


def schedules(engine: Engine) -> Steps[Sequence[ScheduleInfo[Any]]]:
    """Read all schedules, by name."""
    found: list[ScheduleInfo[Any]] = []
    queues: tuple[str, ...] = yield Queues()
    for queue in queues:
        stored: StoredSchedules = yield Schedules(queue=queue)
        found += (info_of(engine, each) for each in stored.schedules)
    return sorted(found, key=lambda info: (info.name, info.queue))


def info_of(engine: Engine, stored: StoredSchedule) -> ScheduleInfo[Any]:
    """Return a stored schedule as users see it."""
    what = definition(stored.schedule.definition)
    return ScheduleInfo(
        name=stored.schedule.name,
        queue=stored.schedule.queue,
        spec=what.spec,
        timezone=what.timezone,
        type=what.type,
        payload=_payload(engine, what),
        raw=what.payload,
        next_runs=_next_runs(engine, stored, what),
        last_run=_instant(stored.last_tick),
        last_job=stored.last_job,
        last_outcome=cast("Any", stored.last_outcome),  # stores write only these
        successes=stored.successes,
        unfinished=stored.unfinished,
        limit=stored.schedule.limit,
        missed=what.missed,
        overlap="skip" if stored.schedule.skips_overlap else "allow",
        start_at=_instant(what.start_at),
        priority=what.priority,
        metadata=decode_metadata(what.metadata),
        owner=stored.schedule.owner,
        ended_at=_instant(stored.ended_at),
    )


def _payload(engine: Engine, what: Definition) -> Any:
    job_type = engine.type_named(what.type)
    try:
        return None if job_type is None else job_type.decode(what.payload)
    except InvalidJob:
        return None  # `raw` has the bytes


def _next_runs(engine: Engine, stored: StoredSchedule, what: Definition) -> tuple[datetime, ...]:
    """Return the next ticks, no more than the limit leaves."""
    if stored.tick is None:
        return ()
    count = SHOWN_RUNS
    if stored.schedule.limit is not None:
        count = min(count, stored.schedule.limit - stored.successes)
    ticks = [stored.tick]
    try:
        rule = engine.scheduling.rule_of(what)
        next_after = None if rule is None else grid(rule, stored.first)
        while next_after is not None and len(ticks) < count:
            following = next_after(ticks[-1])
            if following is None:
                break
            ticks.append(following)
    except Exception:  # a user's rule
        _LOGGER.exception("the rule of schedule %s failed", stored.schedule.name)
    return tuple(map(from_milliseconds, ticks))


def _instant(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_milliseconds(milliseconds)
