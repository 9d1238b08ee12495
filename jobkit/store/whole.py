"""A queue as one value, for stores that read and write it as a whole: a row, a file, an object.

What each operation of the core does to it, and what priorities and deletes do; nothing here knows
where it is kept. Such a store is right, and slow with many jobs: `examples/toystore` is one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from jobkit import store as port
from jobkit.errors import NotSupported
from jobkit.record import WAITING, JobState
from jobkit.store import Capability, StoredJob, moves

Read: TypeAlias = Callable[[str], "Queue"]  # an empty one, if there is none
Write: TypeAlias = Callable[[str, "Queue"], object]
CAPABILITIES: Final = frozenset({Capability.PRIORITIES, Capability.DELETES})

WAITS = (JobState.SCHEDULED, JobState.RETRYING)


class Member(Struct):
    """A worker: the key of its lanes, its last heartbeat, its last request."""

    lanes: str = ""
    beat_at: int = 0
    request: int = 0


class Held(Struct):
    """Who claimed a job last, with which request, until when; it goes when that lease is lost."""

    worker: str
    request: int
    until: int


class Pushed(Struct):
    """What a push was answered, and when."""

    at: int
    ids: tuple[str, ...]


class Queue(Struct):
    """All that is kept of one queue; `number` counts arrivals and fences."""

    jobs: dict[str, StoredJob] = field(default_factory=dict[str, StoredJob])
    held: dict[str, Held] = field(default_factory=dict[str, Held])
    members: dict[str, Member] = field(default_factory=dict[str, Member])
    pushes: dict[str, Pushed] = field(default_factory=dict[str, Pushed])
    time: port.Watermark = field(default_factory=port.Watermark)
    number: int = 0

    def next(self) -> int:
        """Count up."""
        self.number += 1
        return self.number

    def in_state(self, *states: JobState) -> list[StoredJob]:
        """List the jobs that are in one of these states."""
        return [job for job in self.jobs.values() if job.state in states]

    def under(self, worker: str, lease: port.Lease) -> StoredJob | None:
        """Return the job of a lease, as long as that was not lost or followed by another one."""
        job, held = self.jobs.get(lease.id), self.held.get(lease.id)
        fits = job and held and (held.worker, job.fence) == (worker, lease.fence)
        return job if fits else None

    def tick(self, clock: int, lease: int) -> int:
        """Note that a worker is alive, and return the instant."""
        running = self.in_state(JobState.RUNNING)
        set_back = self.time.tick(clock, lease=lease, leases_live=bool(running))
        for job in running:
            self.held[job.id].until -= set_back
        return self.time.now(clock)


def carry_out(operation: port.Operation[Any], clock: int, *, read: Read, write: Write) -> Any:
    """Carry out an operation on one queue at an instant, and return its answer."""
    kind: type[object] = operation.__class__
    step = _STEPS.get(kind)
    if step is None:
        raise NotSupported(f"this store does not know {kind.__name__}")
    named: Any = operation  # these all name their queue
    queue = read(named.queue)
    answer = step(queue, operation, clock)
    if kind not in _READS:
        write(named.queue, queue)
    return answer


def push(operation: port.Push, clock: int, *, read: Read, write: Write) -> tuple[str, ...]:
    """Carry out a push, over any number of queues, and return the ids."""
    names = dict.fromkeys(job.queue for job in operation.jobs)
    queues = {name: read(name) for name in names}
    answered = _earlier(next(iter(queues.values())), operation, clock)
    if answered is not None:
        return answered
    for name, queue in queues.items():
        now = queue.time.now(clock)
        for new in [job for job in operation.jobs if job.queue == name]:
            queue.jobs[new.id] = moves.stored(new, arrival=queue.next(), now=now)
        write(name, queue)
    return tuple(job.id for job in operation.jobs)


def _earlier(queue: Queue, op: port.Push, clock: int) -> tuple[str, ...] | None:
    """Return what the first copy of a push was answered; None for a new one, which is noted."""
    for request, pushed in list(queue.pushes.items()):
        if pushed.at < clock - port.REPLAY_WINDOW:
            del queue.pushes[request]
    request = f"{op.channel} {op.request}"
    if request in queue.pushes:
        return queue.pushes[request].ids
    queue.pushes[request] = Pushed(clock, tuple(job.id for job in op.jobs))
    return None


def audit(queue: Queue) -> list[str]:
    """Return a sentence for each breach of the invariants."""
    running = queue.in_state(JobState.RUNNING)
    return [f"job {job.id} runs without a lease" for job in running if job.id not in queue.held]


def _claim(queue: Queue, op: port.Claim, clock: int) -> port.Claimed:
    member = queue.members.get(op.worker)
    if member is None or member.lanes != op.lanes.key:
        return port.Claimed(now=queue.time.now(clock), lanes_unknown=True)
    now = queue.tick(clock, op.lease)
    ended: list[str] = []
    repeated = op.request <= member.request
    if not repeated:
        member.request = op.request
        ended = _tidy(queue, now)
        _take(queue, op, now)
    jobs = [job for job in queue.in_state(JobState.RUNNING) if _is_of(queue.held[job.id], op)]
    return port.Claimed(
        now=now,
        jobs=tuple(sorted(jobs, key=lambda job: job.fence)),
        started=len(jobs),
        next_due=min((job.run_at for job in queue.in_state(*WAITS)), default=None),
        more=bool(_ready(queue, op)),
        ended=tuple(ended),
        repeated=repeated,
    )


def _is_of(held: Held, op: port.Claim) -> bool:
    return (held.worker, held.request) == (op.worker, op.request)


def _tidy(queue: Queue, now: int) -> list[str]:
    """Promote what is due, and reclaim what is lost; return what that ended."""
    due = [job for job in queue.in_state(*WAITS) if job.run_at <= now]
    for job in sorted(due, key=lambda job: job.run_at)[: port.PROMOTED_PER_CLAIM]:
        queue.jobs[job.id] = moves.promoted(job)
    late = [job for job in queue.in_state(JobState.RUNNING) if queue.held[job.id].until <= now]
    late.sort(key=lambda job: queue.held[job.id].until)
    late = [] if queue.time.is_holiday(now) else late[: port.RECLAIMED_PER_CLAIM]
    for job in late:
        queue.jobs[job.id] = moves.lost(job, now=now)
        del queue.held[job.id]
    return [job.id for job in late if queue.jobs[job.id].state is JobState.DEAD]


def _ready(queue: Queue, op: port.Claim) -> list[StoredJob]:
    """Return what this claim could take, the best first."""
    jobs = [job for job in queue.in_state(JobState.QUEUED) if job.type in op.lanes.lanes]
    jobs = [job for job in jobs if op.suspects or not job.suspect]
    return sorted(jobs, key=lambda job: (job.priority, job.run_at, job.arrival))


def _take(queue: Queue, op: port.Claim, now: int) -> None:
    slots, suspects = op.slots, op.suspects
    for job in _ready(queue, op):
        if slots and suspects >= job.suspect and op.only in (None, job.id):
            slots, suspects = slots - 1, suspects - job.suspect
            queue.held[job.id] = Held(op.worker, op.request, now + op.lease)
            queue.jobs[job.id] = moves.claimed(
                job, worker=op.worker, version=op.version, fence=queue.next(), now=now
            )


def _settle(queue: Queue, op: port.Settle, clock: int) -> tuple[port.Settled, ...]:
    return tuple(
        _settle_one(queue, op.worker, each, queue.time.now(clock)) for each in op.settlements
    )


def _settle_one(queue: Queue, worker: str, end: port.Settlement, now: int) -> port.Settled:
    job = queue.under(worker, end.lease)
    if job is None:
        gone = end.lease.id not in queue.jobs
        return port.Settled(verdict="gone" if gone else "lost", state=None, at=now)
    if job.state is JobState.RUNNING:
        job = queue.jobs[job.id] = moves.settled(job, end, now=now)
    due = job.run_at if job.state in WAITING else None
    return port.Settled(verdict="ok", state=job.state, at=now, due=due)


def _heartbeat(queue: Queue, op: port.Heartbeat, clock: int) -> port.Beat:
    now = queue.tick(clock, op.lease)
    member = queue.members.setdefault(op.worker, Member())
    member.lanes, member.beat_at = op.lanes.key, now
    for name, other in list(queue.members.items()):
        if other.beat_at <= now - port.WORKER_FORGOTTEN:
            del queue.members[name]
    lost: list[str] = []
    for lease in op.leases:
        job = queue.under(op.worker, lease)
        if job is not None and job.state is JobState.RUNNING:
            queue.held[job.id].until = now + op.lease
        else:
            lost.append(lease.id)
    deleted = tuple(job_id for job_id in lost if job_id not in queue.jobs)
    return port.Beat(now=now, lost=tuple(i for i in lost if i in queue.jobs), deleted=deleted)


def _leave(queue: Queue, op: port.Leave, clock: int) -> None:
    queue.members.pop(op.worker, None)


def _mark_timed_out(queue: Queue, op: port.MarkTimedOut, clock: int) -> bool:
    job = queue.under(op.worker, op.lease)
    if job is None or job.state is not JobState.RUNNING:
        return False
    if job.timed_out_at is None:
        queue.jobs[job.id] = replace(job, timed_out_at=queue.time.now(clock))
    return True


def _delete(queue: Queue, op: port.Delete, clock: int) -> bool:
    queue.held.pop(op.id, None)
    return queue.jobs.pop(op.id, None) is not None


def _set_priority(queue: Queue, op: port.SetPriority, clock: int) -> JobState | None:
    job = queue.jobs.get(op.id)
    if job is not None and job.state in WAITING:
        queue.jobs[job.id] = replace(job, priority=op.priority)
    return None if job is None else job.state


def _get(queue: Queue, op: port.Get, clock: int) -> StoredJob | None:
    job = queue.jobs.get(op.id)
    return None if job is None else moves.seen(job, now=queue.time.now(clock))


def _page(queue: Queue, op: port.Page, clock: int) -> port.StoredPage:
    now, behind = queue.time.now(clock), op.cursor.score if op.cursor else 0
    jobs = [job for job in queue.in_state(op.state) if job.arrival > behind]
    jobs.sort(key=lambda job: job.arrival)
    shown = tuple(moves.seen(job, now=now) for job in jobs[: op.limit])
    last = port.Place(line="", score=shown[-1].arrival, member="") if jobs[op.limit :] else None
    return port.StoredPage(jobs=shown, cursor=last)


def _count(queue: Queue, op: port.Count, clock: int) -> port.QueueCounts:
    now = queue.time.now(clock)
    by_type = {state: Counter(job.type for job in queue.in_state(state)) for state in JobState}
    others = (state for state in JobState if state is not JobState.QUEUED)
    totals: dict[str, Any] = {state.value: by_type[state].total() for state in others}
    waiting = [job.run_at for job in queue.in_state(*WAITS)]
    due = [run_at for run_at in waiting if run_at <= now]
    ready_since = [job.run_at for job in queue.in_state(JobState.QUEUED)]
    return port.QueueCounts(
        now=now,
        by_type=by_type,
        due=len(due),
        next_due=min(waiting, default=None),
        oldest_due=min(due + ready_since, default=None),
        queued=by_type[JobState.QUEUED],
        **totals,
    )


def _read_pauses(queue: Queue, op: port.ReadPauses, clock: int) -> port.Pauses:
    return port.Pauses()  # nothing can be paused here


# How each operation on one queue is carried out.
_STEPS: Final[Mapping[type, Callable[[Queue, Any, int], Any]]] = {
    port.Claim: _claim,
    port.Settle: _settle,
    port.Heartbeat: _heartbeat,
    port.Leave: _leave,
    port.MarkTimedOut: _mark_timed_out,
    port.Delete: _delete,
    port.SetPriority: _set_priority,
    port.Get: _get,
    port.Page: _page,
    port.Count: _count,
    port.ReadPauses: _read_pauses,
}
_READS: Final = {port.Get, port.Page, port.Count, port.ReadPauses}
