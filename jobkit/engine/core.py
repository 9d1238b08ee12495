"""The engine: everything about jobs that is the same on every store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from jobkit.checks import plain_name, queue_name
from jobkit.clock import duration_milliseconds
from jobkit.engine.batch import checked_chunk, iterate_jobs
from jobkit.engine.channels import Channels
from jobkit.engine.drafts import Drafts
from jobkit.engine.preparing import Preparer
from jobkit.engine.publishing import queue_by_queue
from jobkit.engine.records import options_of, readable, record_of
from jobkit.engine.scheduling import Scheduling
from jobkit.engine.steps import Steps
from jobkit.engine.uniqueness import duplicate
from jobkit.errors import InvalidJob, InvalidOption
from jobkit.handle import HandleTo
from jobkit.handlers import Handlers
from jobkit.handlerset import HandlerSet
from jobkit.ids import IdSource
from jobkit.jobtype import JobType, named_type
from jobkit.options import (
    DEFAULT_MAX_PAYLOAD,
    QueueOptions,
    check_enqueue_options,
)
from jobkit.process import process_number
from jobkit.record import JobRecord
from jobkit.store import (
    ALL_CAPABILITIES,
    AtomicOver,
    Bounds,
    Capability,
    KeyTaken,
    NewJob,
    Order,
    Push,
    Store,
    StoredJob,
    needs_of_jobs,
    refuse,
)

TURN = 100  # jobs that are prepared without a break: well below a millisecond


class Engine:
    """From jobs to what is stored, and from what is stored to records."""

    def __init__(
        self,
        *,
        handlers: Handlers | Sequence[Handlers],
        defaults: Mapping[str, Any] | None,
        queues: Mapping[str, QueueOptions] | None,
        new_ids: Callable[[], IdSource],
        max_payload: int | None,
        version: str | None,
        durable: bool,
    ) -> None:
        check_enqueue_options(defaults or {}, of="defaults")
        self.own_handlers = Handlers()
        self.handlers = HandlerSet(self.own_handlers, handlers)
        self.defaults: Mapping[str, Any] = dict(defaults or {})
        self.queues = _checked_queues(queues or {})
        self.version = _checked_version(version)
        self.orders: Mapping[str, Order] = {
            plain_name(name): options.order for name, options in self.queues.items()
        }
        self._bounds = {name: _bounds(options) for name, options in self.queues.items()}
        self._new_ids = new_ids
        self.max_payload = _checked_max_payload(max_payload)
        self.durable = durable
        self._types: dict[str, JobType[Any]] = {}
        # Whoever brings the store says what it can do: see `use`.
        self.atomic_over: AtomicOver = "store"
        self.capabilities = ALL_CAPABILITIES
        self.scheduling = Scheduling(self.handlers, self.prepare)
        self._start_anew()

    def _start_anew(self) -> None:
        self._process = process_number()
        self.channels = Channels()
        self._preparer = Preparer(
            handlers=self.handlers,
            defaults=self.defaults,
            ids=self._new_ids(),
            max_payload=self.max_payload,
            durable=self.durable,
            types=self._types,
        )

    def use(self, store: Store) -> None:
        """Heed what a store can do; raise `NotSupported` if options of queues ask for more."""
        self.atomic_over = store.atomic_over
        self.capabilities = store.capabilities
        for name, options in self.queues.items():
            if options.order != "priority":
                self.require(Capability.QUEUE_ORDER, f"order={options.order!r} of queue {name!r}")
            if self.bounds(plain_name(name)) != Bounds():
                self.require(Capability.RETENTION, f"what queue {name!r} keeps")
        if Capability.QUEUE_ORDER not in self.capabilities:
            self.orders = {}  # its one order needs no saying

    def require(self, capability: Capability, asked: str) -> None:
        """Raise `NotSupported` if the store cannot do what is asked for."""
        refuse([(capability, asked)], self.capabilities)

    def prepare(self, job: Any, options: Mapping[str, Any]) -> NewJob:
        """Validate and encode one job; nothing is stored."""
        new = self._preparer_here().prepare(job, options)
        if self.capabilities is not ALL_CAPABILITIES:
            refuse(needs_of_jobs([new]), self.capabilities)
        return new

    def prepare_chunks(
        self, jobs: Iterable[Any], chunk: int | None, options: Mapping[str, Any]
    ) -> Iterator[list[NewJob]]:
        """Validate and encode the jobs of an `enqueue_many`, those for one push at a time."""
        return filter(None, self.prepare_in_turns(jobs, chunk, options))

    def prepare_in_turns(
        self, jobs: Iterable[Any], chunk: int | None, options: Mapping[str, Any]
    ) -> Iterator[list[NewJob] | None]:
        """Do as `prepare_chunks`, and yield None now and then: others may have a turn."""
        size = checked_chunk(chunk)
        drafts: Drafts | None = None
        for job in iterate_jobs(jobs):
            if drafts is None:
                drafts = Drafts(self._preparer_here(), options)
            drafts.add(job)
            if len(drafts) == size:
                yield self._finished(drafts)
                drafts = Drafts(self._preparer_here(), options)
            elif len(drafts) % TURN == 0:
                yield None
        if drafts is None:
            raise InvalidJob("enqueue_many got no job: give an iterable that has at least one")
        if len(drafts):
            yield self._finished(drafts)

    def _finished(self, drafts: Drafts) -> list[NewJob]:
        jobs = drafts.finished()
        if self.capabilities is not ALL_CAPABILITIES:
            refuse(needs_of_jobs(jobs), self.capabilities)
        return jobs

    def _preparer_here(self) -> Preparer:
        if self._process != process_number():
            self._start_anew()  # a fork: the parent goes on with its ids and channels
        return self._preparer

    def push(self, jobs: Sequence[NewJob], handle_to: HandleTo) -> Steps[tuple[str, ...]]:
        """Store jobs in one atomic step, or, if that is all the store can do, in one a queue.

        Returns the id that each is known by. Raises `PartlyStored` if one of several steps fails
        for good, `Duplicate` for a job that is to be refused, with what `handle_to` makes.
        """
        if self.atomic_over == "queue" and len(jobs) > 1:
            return queue_by_queue(jobs, partial(self._push, handle_to=handle_to))
        return self._push(jobs, handle_to)

    def _push(self, jobs: Sequence[NewJob], handle_to: HandleTo) -> Steps[tuple[str, ...]]:
        channel = self.channels.borrow()
        try:
            answer: tuple[str, ...] | KeyTaken = yield Push(
                jobs=tuple(jobs),
                channel=channel.name,
                request=channel.request,
                orders=self._orders_of(jobs) if self.orders else {},
            )
        finally:
            self.channels.give_back(channel)
        if isinstance(answer, KeyTaken):
            new = jobs[answer.index]
            key = "" if new.unique is None else new.unique.key
            raise duplicate("enqueue", key, answer.holder, new.queue, handle_to)
        return answer

    def _orders_of(self, jobs: Sequence[NewJob]) -> Mapping[str, Order]:
        """Return the orders that the queues of these jobs are to have, as far as we name them."""
        queues = dict.fromkeys(job.queue for job in jobs)
        return {queue: self.orders[queue] for queue in queues if queue in self.orders}

    def type_named(self, name: str) -> JobType[Any] | None:
        """Return the job type of a stored name, if this process knows one."""
        registration = self.handlers.find(name)
        if registration is not None:
            return registration.job_type
        return self._types.get(name) or named_type(name)

    def record(self, stored: StoredJob) -> JobRecord[Any]:
        """Return the record of a stored job."""
        its_type = self.type_named(stored.type)
        job = readable(stored)
        return record_of(job, its_type, options_of(job, its_type, self.defaults))

    def bounds(self, queue: str) -> Bounds:
        """Return how much of what has ended a queue keeps."""
        return self._bounds.get(queue, DEFAULT_BOUNDS)


def _bounds(options: QueueOptions) -> Bounds:
    return Bounds(
        finished_for=duration_milliseconds(options.finished_for),
        finished_max=options.finished_max,
        dead_for=duration_milliseconds(options.dead_for),
        dead_max=options.dead_max,
    )


DEFAULT_BOUNDS = _bounds(QueueOptions())


def _checked_queues(queues: Mapping[str, QueueOptions]) -> Mapping[str, QueueOptions]:
    for name, options in queues.items():
        if complaint := queue_name(name):
            raise InvalidOption(f"queues: {name!r}: {complaint}")
        # Types are a promise that user code may break at run time.
        if not isinstance(options, QueueOptions):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidOption(f"queues: {name!r}: give QueueOptions(...), not {options!r}")
    return dict(queues)


def _checked_version(version: str | None) -> str:
    chosen = os.environ.get("JOBKIT_VERSION", "") if version is None else version
    # Types are a promise that user code may break at run time.
    if not isinstance(chosen, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidOption(f"version={chosen!r}: give a str")
    return chosen


def _checked_max_payload(max_payload: int | None) -> int:
    if max_payload is None:
        return DEFAULT_MAX_PAYLOAD
    if type(max_payload) is not int or max_payload < 1:
        raise InvalidOption(f"max_payload={max_payload!r}: give a number of bytes, at least 1")
    return max_payload
