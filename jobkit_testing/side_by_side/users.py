"""Steps of users: enqueue, act on a job, act on many, pause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from jobkit.protocols import Enqueuer
from jobkit.store import ForgetStatistics, NewJob, Order, Push, UseOrder
from jobkit_testing.side_by_side.jobtypes import Note
from jobkit_testing.side_by_side.values import Value
from jobkit_testing.side_by_side.world import World

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True, repr=False)
class Enqueue(Value):
    """Enqueue a job and call it `label`; `run_in`: its `run_at`, in milliseconds from now."""

    label: str
    job: Any
    options: Options = field(default_factory=dict[str, Any])
    run_in: int | None = None
    client: int = 0

    def carry_out(self, world: World) -> object:
        return self.on(world.clients[self.client], world)

    def on(self, enqueuer: Enqueuer, world: World) -> object:
        """Enqueue it on a client, a transaction, or a job's context."""
        handle = enqueuer.enqueue(self.job, **_options(self.options, self.run_in, world))
        world.learn(self.label, handle)
        return handle


@dataclass(frozen=True, slots=True, repr=False)
class EnqueueMany(Value):
    """Enqueue jobs together; they are called `label.0` and so on."""

    label: str
    jobs: tuple[Any, ...]
    options: Options = field(default_factory=dict[str, Any])
    run_in: int | None = None
    chunk: int | None = None
    client: int = 0

    def carry_out(self, world: World) -> object:
        return self.on(world.clients[self.client], world)

    def on(self, enqueuer: Enqueuer, world: World) -> object:
        """Enqueue them on a client, a transaction, or a job's context."""
        options = _options(self.options, self.run_in, world)
        handles = enqueuer.enqueue_many(self.jobs, chunk=self.chunk, **options)
        for number, handle in enumerate(handles):
            world.learn(f"{self.label}.{number}", handle)
        return handles


def _options(given: Options, run_in: int | None, world: World) -> dict[str, Any]:
    options = dict(given)
    if run_in is not None:
        options.pop("delay", None)
        options["run_at"] = world.instant(run_in)
    return options


class _Raised(Exception):
    """What a block raises to be rolled back."""


@dataclass(frozen=True, slots=True, repr=False)
class Transaction(Value):
    """Enqueue together, also by inner blocks; with `raises` the block ends with an exception."""

    inside: tuple[Enqueue | EnqueueMany | Transaction, ...]
    raises: bool = False
    client: int = 0

    def carry_out(self, world: World) -> object:
        return self.on(world.clients[self.client], world)

    def on(self, enqueuer: Enqueuer, world: World) -> object:
        """Open it on a client, a transaction, or a job's context."""
        try:
            with enqueuer.transaction() as inner:
                for each in self.inside:
                    each.on(inner, world)
                if self.raises:
                    raise _Raised
        except _Raised:
            return None
        return None


@dataclass(frozen=True, slots=True, repr=False)
class PushRaw(Value):
    """Push a job as no client of this version would: any bytes, a due time before all time."""

    label: str
    type: str = "side.Note"
    queue: str = "default"
    payload: bytes = b"{}"
    options: bytes = b""
    metadata: bytes = b""
    run_at: int | None = None
    delay: int = 0

    def carry_out(self, world: World) -> object:
        engine = world.engines[0]
        job = engine.prepare(Note(), {"queue": self.queue})
        new = NewJob(
            id=job.id,
            queue=self.queue,
            type=self.type,
            payload=self.payload,
            options=self.options,
            metadata=self.metadata,
            run_at=self.run_at,
            delay=self.delay,
        )
        channel = engine.channels.borrow()
        try:
            world.run(Push(jobs=(new,), channel=channel.name, request=channel.request))
        finally:
            engine.channels.give_back(channel)
        world.learn(self.label, world.handle_to(new.id, new.type, new.queue))
        return None


Action = Literal["cancel", "delete", "reschedule", "run_now", "retry", "set_priority", "look"]


@dataclass(frozen=True, slots=True, repr=False)
class Act(Value):
    """Act on a job, by its handle or, `by_id`, by `jobs.inspect`.

    `number`: the priority, or the milliseconds from now to reschedule it to.
    """

    action: Action
    job: str
    number: int = 0
    by_id: bool = False

    def carry_out(self, world: World) -> object:
        handle = world.handles.get(self.job)
        if handle is None:
            return None
        if self.action == "cancel":
            world.note_ended(self.job)
        return self._by_id(world, handle.id) if self.by_id else self._by_handle(world, handle)

    def _by_handle(self, world: World, handle: Any) -> object:
        match self.action:
            case "reschedule":
                return handle.reschedule(world.instant(self.number))
            case "set_priority":
                return handle.set_priority(self.number)
            case "look":
                return handle.record()
            case _:
                return getattr(handle, self.action)()

    def _by_id(self, world: World, job_id: str) -> object:
        inspect = world.clients[0].inspect
        match self.action:
            case "reschedule":
                inspect.reschedule(job_id, world.instant(self.number))
                return None
            case "look" | "set_priority":
                return inspect.get(job_id)
            case _:
                return getattr(inspect, self.action)(job_id)


@dataclass(frozen=True, slots=True, repr=False)
class Bulk(Value):
    """Retry or delete all dead jobs, of a queue, of a type."""

    action: Literal["retry_all_dead", "delete_all_dead"]
    queue: str | None = None
    type: str | None = None

    def carry_out(self, world: World) -> object:
        act = getattr(world.clients[0].inspect, self.action)
        return act(queue=self.queue, type=self.type)


@dataclass(frozen=True, slots=True, repr=False)
class Prune(Value):
    """Delete ended jobs, or their payloads; `older_than` in milliseconds."""

    state: Literal["succeeded", "dead", "cancelled"]
    older_than: int | None = None
    keep: int | None = None
    payload_only: bool = False

    def carry_out(self, world: World) -> object:
        age = None if self.older_than is None else timedelta(milliseconds=self.older_than)
        return world.clients[0].inspect.prune(
            state=self.state, older_than=age, keep=self.keep, payload_only=self.payload_only
        )


@dataclass(frozen=True, slots=True, repr=False)
class Pause(Value):
    """Pause a queue, a type, or a type in a queue; or resume it."""

    queue: str | None = None
    type: str | None = None
    resume: bool = False

    def carry_out(self, world: World) -> object:
        inspect = world.clients[0].inspect
        if self.resume:
            inspect.resume(queue=self.queue, type=self.type)
        else:
            inspect.pause(queue=self.queue, type=self.type)
        return inspect.is_paused(queue=self.queue, type=self.type)


@dataclass(frozen=True, slots=True, repr=False)
class Listing(Value):
    """Read a page of jobs; `further`: the one behind the last page of this list."""

    state: str | None = None
    queue: str | None = None
    type: str | None = None
    limit: int = 3
    further: bool = False

    def carry_out(self, world: World) -> object:
        key = (self.state, self.queue, self.type)
        page = world.clients[0].inspect.jobs(
            state=self.state,
            queue=self.queue,
            type=self.type,
            limit=self.limit,
            cursor=world.cursors.pop(key, None) if self.further else None,
        )
        if page.cursor is not None:
            world.cursors[key] = page.cursor
        return page


@dataclass(frozen=True, slots=True, repr=False)
class Overview(Value):
    """Read what dashboards show."""

    of: Literal["queues", "workers", "schedules", "stats"] = "queues"

    def carry_out(self, world: World) -> object:
        return getattr(world.clients[0].inspect, self.of)()


@dataclass(frozen=True, slots=True, repr=False)
class SetOrder(Value):
    """Give a queue an order, as a worker does that enters it."""

    queue: str
    order: Order

    def carry_out(self, world: World) -> object:
        return world.run(UseOrder(queue=self.queue, order=self.order))


@dataclass(frozen=True, slots=True, repr=False)
class ForgetCounts(Value):
    """Begin the statistics of a queue anew."""

    queue: str

    def carry_out(self, world: World) -> object:
        return world.run(ForgetStatistics(queue=self.queue))
