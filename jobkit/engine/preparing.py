"""From a job and the options of a call to what is stored."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias, cast

import msgspec

from jobkit.checks import plain_name
from jobkit.context import current_metadata
from jobkit.engine.instants import stored_delay, stored_instant
from jobkit.engine.uniqueness import unique_key
from jobkit.errors import InvalidJob, InvalidOption
from jobkit.handlerset import HandlerSet
from jobkit.ids import IdSource
from jobkit.jobtype import JobType, job_type_of
from jobkit.options import DEFAULT_QUEUE, Unique, check_enqueue_options
from jobkit.store import NewJob, UniqueKey

RUN_TIME = ("max_retries", "max_timeout_retries", "timeout")
PLANS_KEPT = 1_000
_PLAIN = {str, int, bool, type(None), timedelta}  # what says the same whenever it is given
OwnParts: TypeAlias = tuple[bytes, bytes, UniqueKey | None]
encode = msgspec.json.Encoder(order="sorted").encode


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a call, its job type and the defaults say together about a job, as it is stored.

    `metadata` of the defaults, and `own_metadata` of the call: what the context adds comes between.
    """

    queue: str
    priority: int
    run_at: int | None
    delay: int
    options: bytes
    retention: int | None
    unique: bool | Unique[Any] | None
    job_type: JobType[Any]
    metadata: Mapping[str, str]
    own_metadata: Mapping[str, str]

    def job(self, id: str, own: OwnParts) -> NewJob:
        """Return a job of this plan, with what is its own."""
        payload, metadata, unique = own
        return NewJob(
            id=id,
            queue=self.queue,
            type=self.job_type.name,
            payload=payload,
            priority=self.priority,
            run_at=self.run_at,
            delay=self.delay,
            options=self.options,
            metadata=metadata,
            retention=self.retention,
            unique=unique,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparer:
    """Validates and encodes; touches no store.

    `durable`: refuse types whose name other processes would not know. `plans`: those of earlier
    calls, by type and options. `types`: those that were used here, by name.
    """

    handlers: HandlerSet
    defaults: Mapping[str, Any]
    ids: IdSource
    max_payload: int
    durable: bool
    plans: dict[Hashable, Plan] = field(default_factory=dict[Hashable, Plan])
    types: dict[str, JobType[Any]] = field(default_factory=dict[str, JobType[Any]])

    def prepare(self, job: Any, given: Mapping[str, Any]) -> NewJob:
        """Return what to store; raises `InvalidJob` or `InvalidOption`."""
        plan = self.plan(job, given)
        own = self.own_parts(job, plan)
        return plan.job(self.ids.new(plan.queue), own)

    def plan(self, job: Any, given: Mapping[str, Any]) -> Plan:
        """Return what this call says about jobs of this type."""
        options = self._after_hooks(job, given) if self.handlers.enqueue_hooks else given
        job_type = job_type_of(job)
        self.types[job_type.name] = job_type
        key = _key_of(job_type, options) if options else job_type
        plan = self.plans.get(key)
        if plan is None:
            plan = self._plan(job_type, options)
            if key is not None:
                self._keep(key, plan)
        return plan

    def own_parts(self, job: Any, plan: Plan) -> OwnParts:
        """Return what is stored of this very job: payload, metadata and unique key."""
        payload = plan.job_type.encode(job, max_payload=self.max_payload)
        metadata = current_metadata()
        if metadata or plan.metadata or plan.own_metadata:
            metadata = {**plan.metadata, **metadata, **plan.own_metadata}
        return (
            payload,
            _stored_metadata(metadata) if metadata else b"",
            unique_key(job, plan.job_type, plan.unique) if plan.unique else None,
        )

    def _plan(self, job_type: JobType[Any], options: Mapping[str, Any]) -> Plan:
        """Merge what was said about jobs of a type; the first of call, type and defaults wins."""
        check_enqueue_options(options)
        if self.durable and not job_type.durable:
            raise InvalidJob(
                f"{job_type.cls.__qualname__} is defined in __main__, where no worker finds it: "
                f"move the class to a module, or give @job(name=...)"
            )
        chosen: dict[str, Any] = {**self.defaults, **job_type.options, **options}
        retention = chosen.get("retention")
        run_at, delay = self._due(options)
        return Plan(
            queue=plain_name(chosen.get("queue", DEFAULT_QUEUE)),
            priority=int(chosen.get("priority", 0)),
            run_at=run_at,
            delay=delay,
            options=_stored_options(options),
            retention=None if retention is None else stored_delay(retention),
            unique=chosen.get("unique"),
            job_type=job_type,
            metadata=self.defaults.get("metadata", {}),
            own_metadata=options.get("metadata", {}),
        )

    def _keep(self, key: Hashable, plan: Plan) -> None:
        if len(self.plans) >= PLANS_KEPT:
            self.plans.clear()
        self.plans[key] = plan

    def _after_hooks(self, job: Any, given: Mapping[str, Any]) -> Mapping[str, Any]:
        options = given
        for hook in self.handlers.enqueue_hooks:
            # A hook that returns None may have changed its copy in place.
            copy: Any = dict(options)
            changed: Any = hook(job, copy)
            if changed is not None and not isinstance(changed, Mapping):
                raise InvalidOption(
                    f"on_enqueue {hook!r} returned {changed!r}: return a mapping of options, or "
                    f"None to keep those that it was given"
                )
            # Of what, is checked with all options.
            options = copy if changed is None else cast("Mapping[str, Any]", changed)
        return options

    def _due(self, options: Mapping[str, Any]) -> tuple[int | None, int]:
        """Return `run_at` and `delay`; a default stands back where the call chose either."""
        is_chosen = "run_at" in options or "delay" in options
        chosen = options if is_chosen else self.defaults
        if (run_at := chosen.get("run_at")) is not None:
            return stored_instant(run_at), 0
        delay = chosen.get("delay")
        return None, 0 if delay is None else stored_delay(delay)


def _key_of(job_type: JobType[Any], options: Mapping[str, Any]) -> Hashable:
    """Return by what the plan of a call is known again; None: by nothing.

    Classes belong to it: True equals 1, and is no priority.
    """
    kinds = tuple(map(type, options.values()))
    return (job_type, kinds, *options.items()) if _PLAIN.issuperset(kinds) else None


def _stored_metadata(metadata: Mapping[str, str]) -> bytes:
    try:
        return encode(metadata)
    except UnicodeEncodeError as error:
        raise InvalidOption(f"metadata: a text has no UTF-8 form, replace it: {error}") from error


def _stored_options(options: Mapping[str, Any]) -> bytes:
    """Encode what the call says about attempts; types and defaults are read at the claim."""
    stored = {name: options[name] for name in RUN_TIME if name in options}
    if not stored:
        return b""
    if stored.get("timeout") is not None:
        stored["timeout"] = stored_delay(stored["timeout"])
    return encode(stored)
