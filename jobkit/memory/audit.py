"""The invariants of a queue, checked on the memory store."""

from __future__ import annotations

from jobkit.memory.kept import KeptJob
from jobkit.memory.lines import lane_name
from jobkit.memory.queue import MemoryQueue
from jobkit.record import ENDED, JobState
from jobkit.store import MINUTES_KEPT, TYPES_COUNTED


def audit(queue: MemoryQueue) -> list[str]:
    """Return a sentence for each breach; the queue must be at rest."""
    breaches = [_misplaced(queue, job) for job in queue.jobs.values()]
    breaches += [_counts(queue)]
    for group, members in queue.active.items():
        if strangers := members - queue.running.keys():
            breaches.append(f"group {group} counts {sorted(strangers)}, which do not run")
    breaches += _keys(queue)
    breaches += _ticks(queue)
    breaches += _counted(queue)
    return [breach for breach in breaches if breach]


def _misplaced(queue: MemoryQueue, job: KeptJob) -> str:
    runs = job.id in queue.running
    if runs != (job.state is JobState.RUNNING):
        return f"{job.id} is {job.state}, and leased is {runs}"
    if runs and (job.token is None or job.id not in queue.active[job.lane.group]):
        return f"{job.id} is leased without a token or outside its group"
    lane = queue.ready.get(lane_name(job))
    if job.state is JobState.QUEUED and (lane is None or not lane.has(job)):
        return f"{job.id} is queued, and its lane does not have it in its place"
    if job.state in ENDED and job.id not in set(queue.ended[job.state].ids()):
        return f"{job.id} has ended, and its line does not have it"
    return ""


def _keys(queue: MemoryQueue) -> list[str]:
    """Each unique key names a live job that names it back, and no ended job names one."""
    found: list[str] = []
    for key, (owner, _) in queue.ties.unique.items():
        job = queue.jobs.get(owner)
        if job is None or not job.holds_key or job.new.unique is None or job.new.unique.key != key:
            found.append(f"unique key {key} names {owner}, which does not hold it")
    for job in queue.jobs.values():
        unique = job.new.unique
        if not job.holds_key or unique is None:
            continue
        entry = queue.ties.unique.get(unique.key)
        if job.state in ENDED or (job.state is JobState.RUNNING and unique.until == "started"):
            found.append(f"{job.id} is {job.state} and still holds its unique key {unique.key}")
        if unique.ttl is None and (entry is None or entry[0] != job.id):
            found.append(f"{job.id} holds {unique.key} for good, which names {entry}")
    return found


def _counts(queue: MemoryQueue) -> str:
    found = dict.fromkeys(JobState, 0)
    for job in queue.jobs.values():
        found[job.state] += 1
    counted = {
        JobState.QUEUED: sum(lane.count for lane in queue.ready.values()),
        JobState.SCHEDULED: queue.waiting[JobState.SCHEDULED].count,
        JobState.RETRYING: queue.waiting[JobState.RETRYING].count,
        JobState.RUNNING: len(queue.running),
        **{state: len(line) for state, line in queue.ended.items()},
    }
    return "" if found == counted else f"jobs by state are {found}, the lines count {counted}"


def _ticks(queue: MemoryQueue) -> list[str]:
    """Unfinished ticks are live jobs that name their schedule, and no ended job names one."""
    found: list[str] = []
    schedules = queue.schedules
    for name, kept in schedules.by_name.items():
        if (kept.tick is None) != (kept.ended_at is not None):
            found.append(f"schedule {name} waits for {kept.tick} and ended at {kept.ended_at}")
        for job_id in kept.unfinished:
            job = queue.jobs.get(job_id)
            if job is None or job.state in ENDED or job.tick_of != name:
                found.append(f"schedule {name} has the unfinished {job_id}, which is no tick of it")
    looks = [kept.look for kept in schedules.by_name.values() if kept.tick is not None]
    if schedules.next_look != min(looks, default=None):
        found.append(f"the next tick is told as {schedules.next_look}, and they are {looks}")
    found += [
        f"{job.id} has ended, and is still a tick of {job.tick_of}"
        for job in queue.jobs.values()
        if job.state in ENDED and job.tick_of is not None
    ]
    return found


def _counted(queue: MemoryQueue) -> list[str]:
    """Each minute stands in its place of the ring, and its group is known."""
    ledger = queue.ledger
    found = [
        f"minute {minute} of {group} stands in place {place}, or the group is not known"
        for (place, group), (minute, _) in ledger.ring.items()
        if minute % MINUTES_KEPT != place or group not in ledger.totals
    ]
    if ledger.new:
        found.append(f"{sorted(ledger.new)} were counted and not written")
    if len(ledger.totals) > TYPES_COUNTED + 1:
        found.append(f"{len(ledger.totals)} groups are counted")
    return found
