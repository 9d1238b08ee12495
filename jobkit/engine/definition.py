"""What a schedule's ticks make, as it is stored: bytes that stores do not read."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import msgspec
from msgspec import Struct

from jobkit.ids import tick_id
from jobkit.plan import Plan
from jobkit.schedules import Cron, Every, parse_spec
from jobkit.store import NewJob


class Definition(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Spec, policy and job of a schedule; `rule`: the user's `Schedule` instead of a spec."""

    spec: str
    timezone: str = "UTC"
    rule: str | None = None
    start_at: int | None = None
    missed: Literal["one", "all", "skip"] = "one"
    type: str
    payload: bytes
    priority: int = 0
    options: bytes = b""
    metadata: bytes = b""
    retention: int | None = None


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Definition)


def define(plan: Plan, template: NewJob, start_at: int | None) -> bytes:
    """Encode a plan and the job that each of its ticks makes."""
    return _encode(
        Definition(
            spec=plan.spec,
            timezone=plan.timezone,
            rule=plan.known_rule,
            start_at=start_at,
            missed=plan.missed,
            type=template.type,
            payload=template.payload,
            priority=template.priority,
            options=template.options,
            metadata=template.metadata,
            retention=template.retention,
        )
    )


def definition(stored: bytes) -> Definition:
    """Decode a definition."""
    return _decoder.decode(stored)


@lru_cache(maxsize=4096)
def parsed(spec: str, timezone: str) -> Cron | Every:
    """Parse a spec, once."""
    return parse_spec(spec, timezone=timezone)


def job_of(definition: Definition, name: str, queue: str, tick: int) -> NewJob:
    """Return the job of a tick."""
    return NewJob(
        id=tick_id(name, queue, tick),
        queue=queue,
        type=definition.type,
        payload=definition.payload,
        priority=definition.priority,
        run_at=tick,
        options=definition.options,
        metadata=definition.metadata,
        retention=definition.retention,
        schedule=name,
    )
