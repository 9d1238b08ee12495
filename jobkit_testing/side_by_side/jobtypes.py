"""The job types of the steps, the handlers that workers have, and the lanes that they serve.

No handler here ever runs: how an attempt ends is said by a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from msgspec.structs import replace

from jobkit.handlers import Handlers
from jobkit.jobtype import job
from jobkit.options import QueueOptions
from jobkit.store import Capability, Lane, LaneSet


@job(name="side.Note", max_retries=2)
@dataclass(frozen=True)
class Note:
    """A job with fields that are hard to keep."""

    text: str = ""
    number: int = 0
    items: Any = None
    ratio: float = 0.0
    data: bytes = b""


@job(
    name="side.Mail",
    queue="mail",
    max_retries=1,
    max_timeout_retries=1,
    timeout=timedelta(seconds=3),
    backoff=timedelta(seconds=7),
)
@dataclass(frozen=True)
class Mail:
    """A job of another queue, with a timeout and a fixed backoff."""

    to: str = "ann"


@job(
    name="side.Export",
    aliases=("side.OldExport",),
    max_concurrency=2,
    keep_dead=False,
    max_retries=0,
    max_timeout_retries=None,
)
@dataclass(frozen=True)
class Export:
    """A job of which only two may run at once, under two names."""

    rows: int = 0


@job(name="side.OldExport")
@dataclass(frozen=True)
class OldExport:
    """What `Export` was called before."""

    rows: int = 0


@job(name="side.Once", on_lost="dead", max_retries=None)
@dataclass(frozen=True)
class Once:
    """A job that is not run again when it is lost."""

    number: int = 0


@job(name="side.Sole", unique=True, retention=timedelta(seconds=30))
@dataclass(frozen=True)
class Sole:
    """A job that is unique by its payload, and keeps a retention of its own."""

    number: int = 0


@job(name="side.Stray")
@dataclass(frozen=True)
class Stray:
    """A job that nobody has a handler for."""

    number: int = 0


TYPES: Final = (Note, Mail, Export, OldExport, Once, Sole, Stray)
QUEUES: Final = ("default", "mail", "late")
# By client: how much each keeps, and in which order. They disagree, as two versions may.
QUEUE_OPTIONS: Final[tuple[Mapping[str, QueueOptions], ...]] = (
    {
        "default": QueueOptions(finished_max=8, dead_max=6),
        "mail": QueueOptions(
            finished_for=timedelta(minutes=1),
            finished_max=4,
            dead_for=timedelta(minutes=2),
            dead_max=3,
        ),
        "late": QueueOptions(order="run_at", finished_max=6, dead_max=5),
    },
    {
        "default": QueueOptions(finished_for=timedelta(hours=2), finished_max=12, dead_max=9),
        "mail": QueueOptions(
            finished_for=timedelta(0), finished_max=0, dead_for=timedelta(0), dead_max=0
        ),
        "late": QueueOptions(finished_max=10, dead_max=10),
    },
)


@dataclass(frozen=True)
class EveryNinetySeconds:
    """A user's own rule."""

    name: str = "side.ninety"

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the next tick."""
        return instant + timedelta(seconds=90)


NINETY: Final = EveryNinetySeconds()
RULES: Final = {NINETY.name: NINETY}


# As workers with these handlers serve them.
LANES: Final[Mapping[str, Lane]] = {
    **{name: Lane(group=name) for name in ("side.Note", "side.Mail", "side.Sole")},
    "side.Once": Lane(group="side.Once", on_lost_dead=True),
    "side.Export": Lane(group="side.Export", limit=2, keep_dead=False),
    "side.OldExport": Lane(group="side.Export", limit=2, keep_dead=False),
}


@cache
def handlers() -> Handlers:
    """Return handlers, the same to all, but none for `Stray` and the old name of `Export`."""
    made = Handlers()

    def run(job: Any) -> None:
        raise AssertionError(f"{job} is run by a step, not by a handler")

    for kind in (Note, Mail, Export, Once, Sole):
        made.register(run, job=kind)
    made.rule(NINETY)
    return made


def profiles(capabilities: frozenset[Capability]) -> dict[str, LaneSet]:
    """Return the lane sets that workers may serve, by name.

    Without a capability the lanes have nothing that asks for it.
    """
    export, once = LANES["side.Export"], LANES["side.Once"]
    wide = replace(export, limit=3, keep_dead=True)
    served: dict[str, Mapping[str, Lane]] = {
        "all": LANES,
        "some": {name: LANES[name] for name in ("side.Note", "side.Mail", "side.Sole")},
        "wide": {
            "side.Export": wide,
            "side.OldExport": wide,
            "side.Note": Lane(group="side.Note", limit=2),
        },
        "tight": {
            "side.Export": replace(export, limit=1),
            "side.Once": replace(once, keep_dead=False),
            "side.Mail": Lane(group="side.Mail", limit=1),
        },
        "none": {},
    }
    return {
        name: LaneSet(
            key=f"{name} 1", lanes={of: _within(lane, capabilities) for of, lane in its.items()}
        )
        for name, its in served.items()
    }


def _within(lane: Lane, capabilities: frozenset[Capability]) -> Lane:
    return Lane(
        group=lane.group,
        limit=lane.limit if Capability.LIMITS in capabilities else None,
        on_lost_dead=lane.on_lost_dead and Capability.ON_LOST in capabilities,
        keep_dead=lane.keep_dead or Capability.RETENTION not in capabilities,
    )
