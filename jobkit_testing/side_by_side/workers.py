"""Steps of workers: beat, claim, settle, mark, check in, leave, die; also late, or twice."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from jobkit.ending import Ended
from jobkit.engine.running import Run
from jobkit.errors import JobkitError
from jobkit.outcome import Outcome, Succeeded
from jobkit.progress import check_in, encode_progress
from jobkit.record import ENDED
from jobkit.store import (
    Announce,
    CheckIn,
    Claim,
    Heartbeat,
    Lease,
    Leave,
    MarkTimedOut,
    Settle,
    Settlement,
    SpreadPauses,
    StoredJob,
    TakeOver,
)
from jobkit_testing.side_by_side.users import Enqueue, EnqueueMany, Transaction
from jobkit_testing.side_by_side.values import Value
from jobkit_testing.side_by_side.world import CrewMember, World

LEASE = 30_000
Child = Enqueue | EnqueueMany | Transaction


@dataclass(frozen=True, slots=True, repr=False)
class Enter(Value):
    """Announce a queue, as a worker does before its first claim there.

    `late`: what another one heard that announced it before comes now.
    """

    queue: str
    late: bool = False

    def carry_out(self, world: World) -> object:
        if not self.late:
            world.heard.append(world.run(Announce(queues=(self.queue,))))
        del world.heard[:-2]
        if world.heard and (paused := world.heard[0 if self.late else -1]).version:
            world.run(SpreadPauses(queue=self.queue, paused=paused))
        return None


@dataclass(frozen=True, slots=True, repr=False)
class Beat(Value):
    """Show that a worker lives; it keeps what it holds but `without`, and serves `profile`.

    `started`: of the jobs that it holds, so many have begun since. `late`: it believes to hold what
    it has given up, too.
    """

    worker: str
    queue: str
    profile: str | None = None
    without: tuple[str, ...] = ()
    started: int = 0
    lease: int = LEASE
    about: bytes = b""
    late: bool = False

    def carry_out(self, world: World) -> object:
        member = world.member(self.worker, self.queue)
        if self.profile is not None:
            member.lanes = world.profiles[self.profile]
        holding = {**member.given_up, **member.held} if self.late else member.held
        kept = [job for label, job in holding.items() if label not in self.without]
        beat = Heartbeat(
            queue=self.queue,
            worker=self.worker,
            lanes=member.lanes,
            lease=self.lease,
            leases=tuple(map(lease_of, kept)),
            started=tuple(map(lease_of, kept[: self.started])),
            about=self.about,
        )
        member.last_beat = beat
        answer = world.run(beat)
        member.is_unknown = False
        for job_id in (*answer.lost, *answer.deleted):
            member.give_up(world.labels[job_id])
        return answer


@dataclass(frozen=True, slots=True, repr=False)
class Take(Value):
    """Claim jobs. `only`: this one or none; `client`: by whose bounds old jobs are dropped."""

    worker: str
    queue: str
    slots: int = 1
    prefetch: int = 0
    suspects: int = 1
    lease: int = LEASE
    idle: bool = False
    only: str | None = None
    client: int = 0

    def carry_out(self, world: World) -> object:
        member = world.member(self.worker, self.queue)
        handle = None if self.only is None else world.handles.get(self.only)
        engine = world.engines[self.client]
        member.requests += 1
        claim = Claim(
            queue=self.queue,
            worker=self.worker,
            version=engine.version,
            request=member.requests,
            lanes=member.lanes,
            slots=self.slots,
            prefetch=self.prefetch,
            suspects=self.suspects,
            lease=self.lease,
            idle=self.idle,
            only=None if handle is None else handle.id,
            bounds=engine.bounds(self.queue),
        )
        member.last_claim = claim
        return take(world, member, claim)


def take(world: World, member: CrewMember, claim: Claim) -> object:
    """Send a claim, and hold what it brings."""
    claimed = world.run(claim)
    member.is_unknown = claimed.lanes_unknown
    for job in claimed.jobs:
        member.held[world.label_of(job)] = job
    return claimed


@dataclass(frozen=True, slots=True, repr=False)
class End(Value):
    """How one attempt ended, and what its handler had enqueued by then.

    `late`: by the lease that the worker had before, if it has claimed the job again.
    """

    job: str
    outcome: Outcome = Succeeded()
    children: tuple[Child, ...] = ()
    duration: int = 7
    late: bool = False

    def settlement(self, world: World, job: StoredJob) -> Settlement:
        """Return what the worker's engine makes of it."""
        begun = world.runner.begin(job, now=lambda: world.now)
        if not isinstance(begun, Run):
            return begun
        for child in self.children:
            with suppress(JobkitError):  # which the handler has caught
                child.on(begun.ctx, world)
        return world.runner.end(begun, Ended(self.outcome), duration=self.duration)


@dataclass(frozen=True, slots=True, repr=False)
class Finish(Value):
    """Settle attempts, also such as the worker has lost meanwhile; `worker` need not hold them."""

    worker: str
    queue: str
    ends: tuple[End, ...]
    as_worker: str | None = None
    client: int = 0

    def carry_out(self, world: World) -> object:
        member = world.member(self.worker, self.queue)
        found = [(end, member.find(end.job, late=end.late)) for end in self.ends]
        settlements = [end.settlement(world, job) for end, job in found if job is not None]
        if not settlements:
            return None
        settle = Settle(
            queue=self.queue,
            worker=self.as_worker or self.worker,
            version=world.engines[self.client].version,
            settlements=tuple(settlements),
            bounds=world.engines[self.client].bounds(self.queue),
        )
        member.last_settle = settle
        if self.as_worker is None:
            for end in self.ends:
                if not end.late:
                    member.give_up(end.job)
        settled = world.run(settle)
        for settlement, its in zip(settlements, settled, strict=True):
            if its.state in ENDED:
                world.note_ended(world.labels[settlement.lease.id])
        return settled


@dataclass(frozen=True, slots=True, repr=False)
class FinishAll(Value):
    """Settle all attempts that a worker has under way in a queue, in the same way."""

    worker: str
    queue: str
    outcome: Outcome = Succeeded()

    def carry_out(self, world: World) -> object:
        held = world.member(self.worker, self.queue).held
        ends = tuple(End(label, self.outcome) for label in held)
        return Finish(self.worker, self.queue, ends).carry_out(world)


@dataclass(frozen=True, slots=True, repr=False)
class Mark(Value):
    """Write down that an attempt has passed its deadline."""

    worker: str
    queue: str
    job: str

    def carry_out(self, world: World) -> object:
        job = world.member(self.worker, self.queue).find(self.job)
        if job is None:
            return None
        return world.run(MarkTimedOut(queue=self.queue, worker=self.worker, lease=lease_of(job)))


@dataclass(frozen=True, slots=True, repr=False)
class Tell(Value):
    """Check in: say how far an attempt is."""

    worker: str
    queue: str
    job: str
    text: str = ""
    done: float | None = None

    def carry_out(self, world: World) -> object:
        job = world.member(self.worker, self.queue).find(self.job)
        if job is None:
            return None
        progress = encode_progress(check_in(self.text, done=self.done, total=self.done))
        lease = lease_of(job)
        return world.run(
            CheckIn(queue=self.queue, worker=self.worker, lease=lease, progress=progress)
        )


@dataclass(frozen=True, slots=True, repr=False)
class Quit(Value):
    """Leave a queue: by itself, or, if it `died`, on the word of its supervisor."""

    worker: str
    queue: str
    died: bool = False
    client: int = 0

    def carry_out(self, world: World) -> object:
        member = world.member(self.worker, self.queue)
        member.is_unknown = True
        for label in list(member.held):
            member.give_up(label)
        if not self.died:
            return world.run(Leave(queue=self.queue, worker=self.worker))
        bounds = world.engines[self.client].bounds(self.queue)
        return world.run(TakeOver(queue=self.queue, worker=self.worker, bounds=bounds))


@dataclass(frozen=True, slots=True, repr=False)
class Again(Value):
    """Send a worker's last request once more, as after a lost reply."""

    worker: str
    queue: str
    what: Literal["claim", "settle", "beat"]

    def carry_out(self, world: World) -> object:
        member = world.member(self.worker, self.queue)
        if self.what == "claim" and member.last_claim is not None:
            return take(world, member, member.last_claim)
        if self.what == "settle" and member.last_settle is not None:
            return world.run(member.last_settle)
        if self.what == "beat" and member.last_beat is not None:
            return world.run(member.last_beat)
        return None


def lease_of(job: StoredJob) -> Lease:
    """Return the lease under which a claimed job is held."""
    return Lease(id=job.id, fence=job.fence)
