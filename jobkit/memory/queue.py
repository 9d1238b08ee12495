"""One queue of the memory store: every move of a job, in plain Python.

`MemoryStore` holds the lock; everything here runs inside it.
"""

from __future__ import annotations

from collections.abc import Iterator

from jobkit.memory.crew import Crew
from jobkit.memory.kept import ENQUEUE, QUEUED, RUNNING, SCHEDULED, Entry, KeptJob
from jobkit.memory.lines import EndedLine, Line, bounds_of, kept_line, lane_name
from jobkit.memory.pauses import QueuePauses
from jobkit.memory.schedules import Schedules
from jobkit.memory.statistics import Ledger
from jobkit.memory.ties import Ties
from jobkit.record import ENDED, JobState, Move
from jobkit.store import (
    MAX_LOSSES,
    PROMOTED_PER_CLAIM,
    RECLAIMED_PER_CLAIM,
    Bounds,
    Failure,
    Lane,
    LaneSet,
    NewJob,
    Order,
    StoredJob,
    Swept,
    Watermark,
)

TRIMMED_AT_LEAST = 10
LOST = Failure(
    outcome="lost",
    error_type="JobLost",
    message="its worker died, or lost the lease, while the job ran",
)


class MemoryQueue:
    """The jobs of one queue and the moves between their states."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.jobs: dict[str, KeptJob] = {}
        self.order: Order = "priority"
        self.ready: dict[str, Line] = {}
        self.waiting = {state: Line(self.jobs) for state in (JobState.SCHEDULED, JobState.RETRYING)}
        self.running: dict[str, KeptJob] = {}
        self.active: dict[str, set[str]] = {}  # running jobs by the group of their type
        self.ended = {state: EndedLine() for state in ENDED}
        self.time = Watermark()
        self.ties = Ties()
        self.pauses = QueuePauses()
        self.crew = Crew(pauses=self.pauses)
        self.schedules = Schedules()
        self.ledger = Ledger()
        self.sweeps: dict[str, tuple[int, int, Swept]] = {}  # by channel: the last one
        self.arrivals = 0
        self.fences = 0

    # Where a job goes.

    def push(self, new: NewJob, *, now: int) -> None:
        """Store a new job; due now or before, it is ready at once."""
        self.arrivals += 1
        run_at = now + new.delay if new.run_at is None else new.run_at
        job = KeptJob(
            new=new,
            arrival=self.arrivals,
            enqueued_at=now,
            priority=new.priority,
            run_at=max(run_at, 0),
            tick_of=new.schedule,
        )
        self.jobs[new.id] = job
        if new.unique is not None:
            self.ties.take(job, now)
        self.put_back(job, ENQUEUE, SCHEDULED, now=now)

    def put_back(self, job: KeptJob, move: Move, waits_as: JobState, *, now: int) -> None:
        """Make a job ready, or let it wait for its time in the given state."""
        if job.run_at <= now:
            self.make_ready(job, move)
            self.crew.wanted[job.new.type] = None
            return
        job.move(move, waits_as)
        line = self.waiting[waits_as]
        line.add(job, (job.run_at, job.arrival, 0, job.id))
        if line.head() is job.entry:
            self.crew.wanted[job.type] = None  # somebody has to sleep less long

    def end(
        self, job: KeptJob, move: Move, state: JobState, *, now: int, keep: bool = True
    ) -> None:
        """End a job that stands nowhere; with `keep` False, drop it."""
        self.ties.loosen(job)
        self.tell_schedule(job, state.value, now=now)
        if not keep:
            del self.jobs[job.id]
            return
        job.move(move, state)
        job.finished_at = now
        self.ended[state].add(job)

    def tell_schedule(self, job: KeptJob, outcome: str, *, now: int) -> None:
        """Let the schedule whose tick this job is know that it ends, the first time it does."""
        if job.tick_of is not None:
            self.schedules.tick_ended(job.tick_of, job.id, outcome, now)
            job.tick_of = None

    def take_out(self, job: KeptJob) -> None:
        """Take a job out of where its state says that it stands."""
        match job.state:
            case JobState.QUEUED:
                self.ready[lane_name(job)].remove(job)
            case JobState.SCHEDULED | JobState.RETRYING:
                self.waiting[job.state].remove(job)
            case JobState.RUNNING:
                self.stop_running(job)
            case _:
                self.ended[job.state].remove(job)

    def stop_running(self, job: KeptJob) -> None:
        """Take a job out of the leases and out of its group's count."""
        del self.running[job.id]
        members = self.active[job.lane.group]
        members.discard(job.id)
        if not members:
            del self.active[job.lane.group]

    def make_ready(self, job: KeptJob, move: Move) -> None:
        """Put a job that stands nowhere into its lane."""
        job.move(move, QUEUED)
        name = lane_name(job)
        lane = self.ready.get(name)
        if lane is None:
            lane = self.ready[name] = Line(self.jobs)
        lane.add(job, job.rank(self.order))

    def may_have_order(self, order: Order) -> bool:
        """Tell whether it has this order, or may be given it: no job of it waits or runs."""
        counts = [lane.count for lane in self.ready.values()]
        counts += [line.count for line in self.waiting.values()]
        return order == self.order or not (self.running or any(counts))

    def set_order(self, order: Order) -> None:
        """Give it an order that it may have."""
        if order != self.order:
            self.order = order
            self.ready.clear()  # what stale entries they have are in the other order

    def wake_for_ready(self) -> None:
        """Wake workers for all types that have ready jobs."""
        self.crew.wanted.update(self._ready_types())
        self.crew.hint_wanted()

    def wake_for_freed(self, lane: Lane, worker: str) -> None:
        """Wake somebody for a limited lane that has room again; `worker` had the slot."""
        if lane.limit is not None:
            self.crew.hint_group(lane.group, self._ready_types(), worker)

    def _ready_types(self) -> dict[str, None]:
        return {name.removeprefix("!"): None for name, lane in self.ready.items() if lane.count}

    # What a claim does, in this order.

    def tick(self, clock: int, lease: int) -> int:
        """Note that a worker is alive, and return the queue's instant."""
        set_back = self.time.tick(clock, lease=lease, leases_live=bool(self.running))
        for job in self.running.values() if set_back else ():
            job.expires_at -= set_back  # leases run on for as long as they had to
        return self.time.at

    def promote(self, now: int) -> None:
        """Make ready what has become due, earliest first, a bounded number at a time."""
        lines = [line for line in self.waiting.values() if line.count]
        for _ in range(PROMOTED_PER_CLAIM if lines else 0):
            heads = [
                (head, line)
                for line in lines
                if (head := line.head()) is not None and head[0] <= now
            ]
            if not heads:
                return
            self.make_ready(min(heads, key=lambda pair: pair[0])[1].pop(), Move.PROMOTE)

    def reclaim(self, now: int) -> list[str]:
        """Take back expired leases, and return the jobs that this ended."""
        if not self.running:
            return []
        if self.time.is_holiday(now):
            return []
        expired = sorted(
            (job.expires_at, job.id) for job in self.running.values() if job.expires_at <= now
        )
        ids = [job_id for _, job_id in expired[:RECLAIMED_PER_CLAIM]]
        return [job_id for job_id in ids if self.lose(self.jobs[job_id], now=now)]

    def lose(self, job: KeptJob, *, now: int) -> bool:
        """Settle a lost lease, and tell whether the job has ended by it."""
        self.stop_running(job)
        job.token = None
        job.suspect = True
        if job.started:
            job.losses += 1
            job.note(LOST, now=now)
            self.ledger.count(job.lane.group, "l")
        job.started = False
        if job.cancel_requested_at is not None:
            self.end(job, Move.RECLAIM, JobState.CANCELLED, now=now)
            return True
        if job.losses >= MAX_LOSSES or (job.losses and job.lane.on_lost_dead):
            self.ledger.count(job.lane.group, "d")
            self.end(job, Move.RECLAIM, JobState.DEAD, now=now, keep=job.lane.keep_dead)
            return True
        self.make_ready(job, Move.RECLAIM)
        return False

    def take(
        self, lanes: LaneSet, *, slots: int, prefetch: int, suspects: int
    ) -> list[tuple[KeptJob, bool]]:
        """Take the best jobs out of their lanes; each with whether it counts as started."""
        taken: list[tuple[KeptJob, bool]] = []
        while len(taken) < slots + prefetch:
            may_suspect = suspects > 0 and len(taken) < slots
            best = self.best_lane(lanes, suspects=may_suspect)
            if best is None:
                break
            job = self.ready[best].pop()
            suspects -= best.startswith("!")
            self._start_running(job, lanes)
            taken.append((job, len(taken) < slots))
        return taken

    def take_only(
        self, lanes: LaneSet, job_id: str, *, started: bool
    ) -> list[tuple[KeptJob, bool]]:
        """Take this job out of its lane, if it is ready and its lane is served and not full."""
        job = self.jobs.get(job_id)
        if job is None or job.state is not JobState.QUEUED:
            return []
        lane = lanes.lanes.get(job.type)
        if lane is None or self._is_full(lane) or self.pauses.hold(job.type, lane.group):
            return []
        self.ready[lane_name(job)].remove(job)
        self._start_running(job, lanes)
        return [(job, started)]

    def _start_running(self, job: KeptJob, lanes: LaneSet) -> None:
        job.lane = lanes.lanes[job.type]
        job.move(Move.CLAIM, RUNNING)
        self.running[job.id] = job
        self.active.setdefault(job.lane.group, set()).add(job.id)

    def best_lane(self, lanes: LaneSet, *, suspects: bool) -> str | None:
        """Return the lane with the best head among those that may be taken from."""
        best = min(self._open_lanes(lanes, suspects=suspects), default=None)
        return None if best is None else best[1]

    def has_open_lane(self, lanes: LaneSet, *, suspects: bool) -> bool:
        """Tell whether there is something that may be taken."""
        return next(self._open_lanes(lanes, suspects=suspects), None) is not None

    def _open_lanes(self, lanes: LaneSet, *, suspects: bool) -> Iterator[tuple[Entry, str]]:
        """Yield the head and the name of each lane that may be taken from."""
        are_paused = self.pauses.hold_any()
        for name, lane in self.ready.items():
            if not lane.count:
                continue
            type_name = name[1:] if (is_suspect := name[0] == "!") else name
            served = lanes.lanes.get(type_name)
            if served is None or (is_suspect and not suspects):
                continue
            if served.limit is not None and self._is_full(served):
                continue
            if are_paused and self.pauses.hold(type_name, served.group):
                continue
            head = lane.head()
            if head is not None:
                yield head, name

    def _is_full(self, lane: Lane) -> bool:
        return lane.limit is not None and len(self.active.get(lane.group, ())) >= lane.limit

    def lease(self, job: KeptJob, *, worker: str, version: str, now: int, lease: int) -> None:
        """Write the lease of a job that was taken, under the fence of this claim."""
        self.ties.loosen_at_start(job)
        job.fence = self.fences
        job.token = (worker, job.fence)
        job.worker = worker
        job.version = version
        job.expires_at = now + lease
        job.started = False
        job.started_at = job.finished_at = job.duration = job.timed_out_at = None
        job.progress = job.checked_in_at = None

    # Housekeeping and reading.

    def trim(self, bounds: Bounds, *, now: int, ended: int = 0) -> None:
        """Drop a bounded number of ended jobs that are past their retention."""
        budget = TRIMMED_AT_LEAST + 2 * ended
        for state, line in self.ended.items():
            if not (line.bounded or line.kept):
                continue
            age, count = bounds_of(state, bounds)
            for job_id in line.trim(now=now, age=age, count=count, budget=budget):
                del self.jobs[job_id]

    def next_due(self) -> int | None:
        """Return when the next waiting job is due."""
        lines = [line for line in self.waiting.values() if line.count]
        heads = [head[0] for line in lines if (head := line.head()) is not None]
        return min(heads, default=None)

    def in_lines(self, state: JobState) -> list[tuple[str, list[KeptJob]]]:
        """List the lines of one state by name, each with its jobs in their order."""
        match state:
            case JobState.QUEUED:
                return [(name, lane.in_order()) for name, lane in sorted(self.ready.items())]
            case JobState.SCHEDULED | JobState.RETRYING:
                return [(state, self.waiting[state].in_order())]
            case JobState.RUNNING:
                return [(state, [self.running[job_id] for job_id in sorted(self.running)])]
            case _:
                line = self.ended[state]
                return [
                    (state, [self.jobs[job_id] for _, job_id in line.bounded]),
                    (kept_line(state), [self.jobs[job_id] for _, job_id in line.kept]),
                ]

    def stored(self, job_id: str, clock: int) -> StoredJob | None:
        """Read one job."""
        job = self.jobs.get(job_id)
        return None if job is None else job.stored(self.time.now(clock))
