"""What a store does not have, it refuses by name, and stores nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import pytest
from msgspec.structs import replace

from jobkit.errors import NotSupported
from jobkit.record import ENDED, JobState
from jobkit.store import (
    Bounds,
    Cancel,
    Capability,
    CheckIn,
    Count,
    Declare,
    Delete,
    ForgetStatistics,
    Heartbeat,
    Lane,
    NewJob,
    Operation,
    Page,
    PausedTypes,
    PauseType,
    PutSchedule,
    RemoveSchedule,
    Reschedule,
    Schedules,
    SetPause,
    SetPriority,
    SpreadPauses,
    Statistics,
    StoredJob,
    Sweep,
    TakeOver,
    Ticks,
    UseOrder,
    Workers,
)
from jobkit_testing.conformance.bench import Bench, BenchWorker
from jobkit_testing.conformance.builders import (
    MINUTE,
    QUEUE,
    SECOND,
    a_job,
    a_schedule,
    bury,
    lanes,
    lease_of,
    succeed,
    unique,
)

FEW = Bounds(finished_max=1)


@dataclass(frozen=True, slots=True)
class Scene:
    """A queue with a job that ann runs, and one that waits."""

    bench: Bench
    ann: BenchWorker
    held: StoredJob
    waits: str

    def push(self, job: NewJob) -> Operation[Any]:
        """Build a push of one more job."""
        return self.bench.pushing(a_job(), job)

    def publish(self, child: NewJob) -> Operation[Any]:
        """Build a success that publishes a job."""
        return self.ann.settling(succeed(self.held, children=(self.bench.named(child),)))

    def claim(self, lane: Lane) -> Operation[Any]:
        """Build a claim with this lane."""
        return replace_lanes(self.ann, lane).claiming()

    def beat(self, lane: Lane) -> Operation[Any]:
        """Build a heartbeat with this lane."""
        served = replace_lanes(self.ann, lane).lanes
        return Heartbeat(queue=QUEUE, worker="ann", lanes=served, lease=self.ann.lease)


def replace_lanes(ann: BenchWorker, lane: Lane) -> BenchWorker:
    """Return the worker as it would be with another lane for its type."""
    return BenchWorker(
        ann.bench, ann.name, lanes(A=lane), queue=QUEUE, lease=ann.lease, version=ann.version
    )


@dataclass(frozen=True, slots=True)
class Ask:
    """An operation that needs one capability; `given`: those that a store must have to judge it."""

    of: Capability
    what: str
    build: Callable[[Scene], Operation[Any]]
    given: frozenset[Capability] = frozenset()

    def __str__(self) -> str:
        return f"{self.of.value}: {self.what}"


C = Capability
LIMITED, ONCE, DROPPED = (
    Lane(group="A", limit=1),
    Lane(group="A", on_lost_dead=True),
    Lane(group="A", keep_dead=False),
)


def _asks_of_options() -> Iterator[Ask]:
    """Yield the options of jobs that come with a success or a tick."""
    options = {
        C.PRIORITIES: a_job(priority=5),
        C.UNIQUE_KEYS: a_job(unique=unique()),
        C.RETENTION: a_job(retention=SECOND),
    }
    for capability, job in options.items():
        yield Ask(capability, "child", _publishing(job), frozenset({C.CHILDREN}))
        yield Ask(capability, "tick", _firing(job), frozenset({C.SCHEDULES}))


def _publishing(job: NewJob) -> Callable[[Scene], Operation[Any]]:
    return lambda scene: scene.publish(job)


def _firing(job: NewJob) -> Callable[[Scene], Operation[Any]]:
    def fire(scene: Scene) -> Operation[Any]:
        scene.bench.put(a_schedule(), first=scene.bench.now)
        plain = scene.bench.firing(scene.bench.now)
        assert plain.job is not None
        asking = replace(job, id=plain.job.id, run_at=plain.job.run_at, schedule="s")
        return type(plain)(queue=QUEUE, name="s", expected=plain.expected, next=None, job=asking)

    return fire


def cancel_and_trim(scene: Scene) -> Operation[Any]:
    """Build a cancel with bounds."""
    return Cancel(queue=QUEUE, id=scene.waits, bounds=FEW)


def take_over_and_trim(scene: Scene) -> Operation[Any]:
    """Build a taking over with bounds."""
    return TakeOver(queue=QUEUE, worker=scene.ann.name, bounds=FEW)


def push_in_order(scene: Scene) -> Operation[Any]:
    """Build a push that orders its queue."""
    push = scene.bench.pushing(a_job())
    return type(push)(
        jobs=push.jobs, channel=push.channel, request=push.request, orders={QUEUE: "priority"}
    )


def report_start(scene: Scene) -> Operation[Any]:
    """Build a heartbeat that reports a start."""
    ann = scene.ann
    started = (lease_of(scene.held),)
    return Heartbeat(
        queue=QUEUE, worker=ann.name, lanes=ann.lanes, lease=ann.lease, started=started
    )


def check_in(scene: Scene) -> Operation[Any]:
    """Build a check-in of the running job."""
    lease = lease_of(scene.held)
    return CheckIn(queue=QUEUE, worker=scene.ann.name, lease=lease, progress=b"half")


def move(scene: Scene, run_at: int | None) -> Operation[Any]:
    """Build a move of the waiting job."""
    of = frozenset({JobState.QUEUED}) | ENDED
    return Reschedule(queue=QUEUE, id=scene.waits, of=of, run_at=run_at)


def sweep(scene: Scene, action: Any) -> Operation[Any]:
    """Build a sweep of the dead."""
    request = scene.bench.next_request("channel sweep")
    return Sweep(queue=QUEUE, state=JobState.DEAD, action=action, channel="sweep", request=request)


def put(scene: Scene) -> Operation[Any]:
    """Build the put of a schedule."""
    return PutSchedule(schedule=a_schedule(), first=scene.bench.now + MINUTE)


def page(*, types: tuple[str, ...] = (), newest_first: bool = False) -> Operation[Any]:
    """Build a page of the queued jobs."""
    return Page(queue=QUEUE, state=JobState.QUEUED, types=types, newest_first=newest_first)


PLAIN_ASKS = (
    Ask(C.PRIORITIES, "push", lambda s: s.push(a_job(priority=5))),
    Ask(C.PRIORITIES, "better", lambda s: s.push(a_job(priority=-5))),
    Ask(C.PRIORITIES, "set", lambda s: SetPriority(queue=QUEUE, id=s.waits, priority=0)),
    Ask(C.UNIQUE_KEYS, "push", lambda s: s.push(a_job(unique=unique()))),
    Ask(C.RETENTION, "push", lambda s: s.push(a_job(retention=SECOND))),
    Ask(C.RETENTION, "claim", lambda s: s.ann.claiming(bounds=FEW)),
    Ask(C.RETENTION, "settle", lambda s: s.ann.settling(succeed(s.held), bounds=FEW)),
    Ask(C.RETENTION, "bury", lambda s: s.ann.settling(bury(s.held, keep=False))),
    Ask(C.RETENTION, "lane of a claim", lambda s: s.claim(DROPPED)),
    Ask(C.RETENTION, "lane of a heartbeat", lambda s: s.beat(DROPPED)),
    Ask(C.RETENTION, "cancel", cancel_and_trim, frozenset({C.CANCELS})),
    Ask(C.RETENTION, "take over", take_over_and_trim, frozenset({C.TAKE_OVER})),
    Ask(C.QUEUE_ORDER, "use", lambda _: UseOrder(queue=QUEUE, order="run_at")),
    Ask(C.QUEUE_ORDER, "push", push_in_order),
    Ask(C.LIMITS, "claim", lambda s: s.claim(LIMITED)),
    Ask(C.LIMITS, "heartbeat", lambda s: s.beat(LIMITED)),
    Ask(C.ON_LOST, "claim", lambda s: s.claim(ONCE)),
    Ask(C.ON_LOST, "heartbeat", lambda s: s.beat(ONCE)),
    Ask(C.PREFETCH, "claim", lambda s: s.ann.claiming(prefetch=1)),
    Ask(C.PREFETCH, "heartbeat", report_start),
    Ask(C.CHILDREN, "settle", lambda s: s.publish(a_job())),
    Ask(C.CHECK_INS, "check in", check_in),
    Ask(C.CANCELS, "waiting", lambda s: Cancel(queue=QUEUE, id=s.waits)),
    Ask(C.CANCELS, "running", lambda s: Cancel(queue=QUEUE, id=s.held.id)),
    Ask(C.CANCELS, "unknown", lambda _: Cancel(queue=QUEUE, id="0" * 26)),
    Ask(C.DELETES, "waiting", lambda s: Delete(queue=QUEUE, id=s.waits)),
    Ask(C.DELETES, "unknown", lambda _: Delete(queue=QUEUE, id="0" * 26)),
    Ask(C.RESCHEDULES, "now", lambda s: move(s, None)),
    Ask(C.RESCHEDULES, "later", lambda s: move(s, s.bench.now + SECOND)),
    Ask(C.BULK, "retry", lambda s: sweep(s, "retry")),
    Ask(C.BULK, "delete", lambda s: sweep(s, "delete")),
    Ask(C.SCHEDULES, "put", put),
    Ask(C.SCHEDULES, "remove", lambda _: RemoveSchedule(queue=QUEUE, name="s")),
    Ask(C.SCHEDULES, "ticks", lambda _: Ticks(queue=QUEUE)),
    Ask(C.SCHEDULES, "fire", lambda s: s.bench.firing(s.bench.now)),
    Ask(C.SCHEDULES, "declare", lambda _: Declare(queue=QUEUE, owner="o", names=("s",))),
    Ask(C.SCHEDULES, "list", lambda _: Schedules(queue=QUEUE)),
    Ask(C.PAUSES, "queue", lambda _: SetPause(queue=QUEUE, paused=True)),
    Ask(C.PAUSES, "resume", lambda _: SetPause(queue=QUEUE, paused=False)),
    Ask(C.PAUSES, "type", lambda _: SetPause(queue=QUEUE, type="A", paused=True)),
    Ask(C.PAUSES, "everywhere", lambda _: PauseType(type="A", paused=True)),
    Ask(C.PAUSES, "spread", lambda _: SpreadPauses(queue=QUEUE, paused=PausedTypes())),
    Ask(C.LISTING, "types", lambda _: page(types=("A",))),
    Ask(C.LISTING, "newest first", lambda _: page(newest_first=True)),
    Ask(C.WORKERS, "list", lambda _: Workers(queue=QUEUE)),
    Ask(C.STATISTICS, "read", lambda _: Statistics(queue=QUEUE, minutes=1)),
    Ask(C.STATISTICS, "forget", lambda _: ForgetStatistics(queue=QUEUE)),
    Ask(C.WAKING, "claim", lambda s: s.ann.claiming(idle=True)),
    Ask(C.TAKE_OVER, "take over", lambda _: TakeOver(queue=QUEUE, worker="ann")),
)
ASKS: Final = (*PLAIN_ASKS, *_asks_of_options())


def asks_of(declared: frozenset[Capability]) -> list[Ask]:
    """Return what a store with these capabilities has to refuse."""
    return [ask for ask in ASKS if ask.of not in declared and ask.given <= declared]


class Refusing:
    """Tests of what is declared, and of what is not."""

    capabilities: ClassVar[frozenset[Capability]]

    def test_a_store_says_what_it_can_do(self, bench: Bench) -> None:
        """B57: as its suite declares."""
        assert bench.store.capabilities == self.capabilities

    def test_what_is_not_declared_is_refused(self, bench: Bench, ask: Ask) -> None:
        """B57: by the name of the capability, and nothing is stored; never ignored."""
        bench.push(a_job(), a_job())
        ann = bench.worker()
        scene = Scene(bench, ann, ann.take_one(), bench.page(JobState.QUEUED)[0].id)
        operation = ask.build(scene)
        before = bench.snapshot()

        with pytest.raises(NotSupported, match=re.escape(ask.of.value)):
            bench.store.run(operation, now=bench.now)
        refused, counts = bench.store.run_many([operation, Count(queue=QUEUE)], now=bench.now)

        assert isinstance(refused, NotSupported)
        assert counts == bench.count()
        assert bench.snapshot() == before

    def test_a_store_that_wakes_nobody_has_no_waiter(self, bench: Bench) -> None:
        """B57: then workers look every `poll`."""
        with pytest.raises(NotSupported, match=Capability.WAKING.value):
            bench.store.waiter("ann")
