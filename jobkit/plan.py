"""A schedule as a call asks for it: checked, and with a name, before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal, TypeAlias

from jobkit.checks import plain_name, queue_name
from jobkit.errors import InvalidOption, InvalidSchedule
from jobkit.jobtype import DataclassLike, JobType, job_type_of
from jobkit.options import SCHEDULE_CHECKS, check_options
from jobkit.protocols import Schedule
from jobkit.schedules import Cron, Every, parse_spec

Rule: TypeAlias = Cron | Every | Schedule
RULE = "rule:"  # in front of the name of a user's `Schedule`, where others have the spec
_OF_THE_SCHEDULE = frozenset({"name", "timezone", "start_at", "limit", "missed", "overlap"})
_NOT_FITTING: Mapping[str, str] = {
    "run_at": "its spec says when its jobs run; start_at= says from when on",
    "delay": "its spec says when its jobs run; start_at= says from when on",
    "unique": "each tick makes its job; overlap='skip' leaves one out while the last still runs",
}
_ANY_SIZE = 1 << 40  # a backend compares with its own limit
_NO_LETTER_OF_A_NAME = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run when. `spec`: its one spelling; `options`: those of the jobs."""

    name: str
    spec: str
    timezone: str
    rule: Rule
    job_type: JobType[Any]
    payload: bytes
    start_at: datetime | None
    limit: int | None
    missed: Literal["one", "all", "skip"]
    overlap: Literal["allow", "skip"]
    options: Mapping[str, Any]

    @property
    def known_rule(self) -> str | None:
        """The name of the `Schedule` that one has to know to fire this; None: all can."""
        return self.spec.removeprefix(RULE) if self.spec.startswith(RULE) else None

    def is_same(self, other: Plan) -> bool:
        """Tell whether another plan asks for the same."""
        mine, its = (
            (p.name, p.spec, p.timezone, p.job_type.name, p.payload, p.start_at, p.limit, p.missed,
             p.overlap, p.options)
            for p in (self, other)
        )  # fmt: skip
        return mine == its


def plan(
    spec: str | timedelta | Schedule, job: DataclassLike, options: Mapping[str, Any], *, of: str
) -> Plan:
    """Check a call; raises `InvalidSchedule`, `InvalidOption` or `InvalidJob`."""
    _check(options, of)
    rule, text, timezone = _rule(spec, options, of)
    job_type: JobType[Any] = job_type_of(job)
    payload = job_type.encode(job, max_payload=_ANY_SIZE)
    given = options.get("name")
    name = _default_name(job_type, text, timezone, payload) if given is None else plain_name(given)
    return Plan(
        name=name,
        spec=text,
        timezone=timezone,
        rule=rule,
        job_type=job_type,
        payload=payload,
        start_at=options.get("start_at"),
        limit=options.get("limit"),
        missed=options.get("missed", "one"),
        overlap=options.get("overlap", "allow"),
        options=_job_options(options),
    )


def canonical(spec: str | timedelta | Schedule) -> str:
    """Return a spec in its one spelling; raises `InvalidSchedule`.

    >>> canonical(timedelta(minutes=90))
    '@every 1h30m'
    """
    if isinstance(spec, str | timedelta):
        return parse_spec(spec).text
    return f"{RULE}{check_rule(spec)}"


def same(spec: str, other: str) -> bool:
    """Tell whether two specs, each in its one spelling, tick at the same wall-clock times.

    >>> same("@hourly", "0 * * * *")
    True
    """
    if spec == other:
        return True
    rules = [parse_spec(each) for each in (spec, other) if not each.startswith(RULE)]
    walls = [rule.wall_clock for rule in rules if isinstance(rule, Cron)]
    return len(walls) == 2 and walls[0] == walls[1]


def check_rule(rule: Any) -> str:
    """Return the name of a user's `Schedule`; raise `InvalidSchedule` if it is none."""
    # Types are a promise that user code may break at run time.
    if not isinstance(rule, Schedule):
        raise InvalidSchedule(
            f"{rule!r} is no spec: give a string such as '0 9 * * MON-FRI', a timedelta, or a "
            "Schedule with a name and next_after(instant)"
        )
    if complaint := queue_name(rule.name):
        raise InvalidSchedule(f"{rule!r}: name={rule.name!r}: {complaint}")
    return plain_name(rule.name)


def _job_options(options: Mapping[str, Any]) -> Mapping[str, Any]:
    chosen = {name: options[name] for name in options if name not in _OF_THE_SCHEDULE}
    if "metadata" in chosen:
        chosen["metadata"] = dict(chosen["metadata"])  # the caller may go on with it
    return chosen


def _check(options: Mapping[str, Any], of: str) -> None:
    for name, why in _NOT_FITTING.items():
        if name in options:
            raise InvalidOption(f"{of}: {name} does not fit a schedule: {why}")
    check_options(options, SCHEDULE_CHECKS, of=of)
    if options.get("missed") == "all" and options.get("overlap") == "skip":
        raise InvalidOption(
            f"{of}: missed='all' and overlap='skip' exclude each other: missed ticks come all at "
            "once, and all but the first would be skipped"
        )


def _rule(spec: Any, options: Mapping[str, Any], of: str) -> tuple[Rule, str, str]:
    if isinstance(spec, str | timedelta):
        rule = parse_spec(spec, timezone=options.get("timezone", "UTC"))
        return rule, rule.text, rule.timezone
    name = check_rule(spec)
    if "timezone" in options:
        raise InvalidOption(f"{of}: timezone= is for specs; {spec!r} tells instants by itself")
    return spec, f"{RULE}{name}", "UTC"


def _default_name(job_type: JobType[Any], spec: str, timezone: str, payload: bytes) -> str:
    """Return the last part of the type's name, and 12 digits of spec, zone and payload."""
    last = _NO_LETTER_OF_A_NAME.sub("", job_type.name.rpartition(".")[2])[:100].lstrip("._-")
    zone = "" if timezone == "UTC" else timezone
    content = b"\0".join((spec.encode(), zone.encode(), payload))
    digits = blake2b(content, digest_size=6).hexdigest()
    return f"{last}-{digits}" if last else digits
