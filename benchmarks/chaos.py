"""Kill workers at random under load, and count what became of the jobs: `make chaos`.

python -m benchmarks.chaos [--kills 200] [--seconds 600] [--seed 1] [--workers 4] [--lease 2]
                           [--schedules 3] [--limits]

With --limits it is another run: see `benchmarks.chaos_limits`.

Real Redis, real processes, `kill -9`; one worker is always left alive. Producers keep a ledger
of the ids that enqueue acknowledged; handlers append the start and the end of every run to a
file. At the end each id of the ledger must have ended. Schedules tick each second all the while.
Exits 1 if a job was lost, if one is dead that was not lost three times, if a tick has not made
exactly one job, or if the store is not in order.

A job runs twice when its worker is killed after the start: at least once is the promise. It is
dead when that happened to it three times, since it might be what kills.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import ClassVar

import jobkit
from benchmarks.chaos_ticks import faults_of_ticks, start_ticks, stop_ticks
from benchmarks.chaos_worker import Narrow, Step
from jobkit.record import JobState
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.store import RedisStore
from jobkit.store import MAX_LOSSES, Count, Page, Place, QueueCounts, StoredJob, StoredSchedule
from tests.servers import RedisServer, find_servers

NAMESPACE = "chaos"
QUEUE = "default"
BATCH = 40
LAST_WAIT = 120.0  # seconds for the survivors to finish what is left


@dataclass
class Chaos:
    """A crew of worker processes, a ledger, and what was done to them."""

    url: str
    log: Path
    lease: float
    dice: random.Random
    stopped: list[StoredSchedule] = field(default_factory=list[StoredSchedule])
    fed_until: float = 0.0
    ledger: list[str] = field(default_factory=list[str])
    kills: dict[int, float] = field(default_factory=dict[int, float])
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])
    scenario: ClassVar[str] = "steps"
    backlog: ClassVar[int] = 400
    warm_up: ClassVar[float] = 2.0  # seconds

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start one worker process."""
        words = [self.url, NAMESPACE, str(self.log), str(self.lease), self.scenario]
        return subprocess.Popen([sys.executable, "-m", "benchmarks.chaos_worker", *words])

    def kill_one(self) -> None:
        """Kill a worker at random, but never the first, and start another in its place."""
        victim = self.victim()
        worker = self.workers[victim]
        worker.kill()
        self.kills[worker.pid] = time.time()
        worker.wait()
        self.workers[victim] = self.start_worker()

    def victim(self) -> int:
        """Choose the worker to kill."""
        return self.dice.randrange(1, len(self.workers))

    def calm(self) -> float:
        """Choose how long to wait for the next kill."""
        return self.dice.uniform(0.1, 0.7)

    def has_begun(self) -> bool:
        """Tell whether there is something to kill: a worker beside the first one runs jobs."""
        pids = {pid for starts in Runs.read(self.log).starts.values() for pid, _ in starts}
        return len(pids) > 1

    def feed(self, jobs: jobkit.Enqueuer, waiting: int) -> None:
        """Keep a backlog, so that every kill meets running jobs."""
        if waiting < self.backlog:
            first = len(self.ledger)
            batch = [self.job(first + i) for i in range(BATCH)]
            self.ledger += [handle.id for handle in jobs.enqueue_many(batch)]

    def job(self, number: int) -> Step | Narrow:
        """Make a job that takes a few milliseconds."""
        return Step(number, self.dice.uniform(0.001, 0.03))

    def stop(self) -> None:
        """Stop every worker in order."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.wait(60)


@dataclass
class Runs:
    """What the handlers wrote down: the starts and ends of each job, by process."""

    starts: dict[str, list[tuple[int, float]]]
    ends: dict[str, list[tuple[int, float]]]

    @classmethod
    def read(cls, log: Path) -> Runs:
        """Read the file of a chaos run."""
        runs = cls(defaultdict(list), defaultdict(list))
        for line in log.read_text().splitlines():
            event, job_id, pid, at = line.split()
            (runs.starts if event == "start" else runs.ends)[job_id].append((int(pid), float(at)))
        return runs

    def restarts(self, kills: dict[int, float]) -> list[float]:
        """Return, for each run that a kill cut off, after how long the job ran again."""
        found: list[float] = []
        for job_id, starts in self.starts.items():
            ended = {pid for pid, _ in self.ends.get(job_id, [])}
            for pid, _ in starts:
                killed = kills.get(pid)
                if killed is None or pid in ended:
                    continue
                later = [at for other, at in starts if other != pid and at > killed]
                if later:
                    found.append(min(later) - killed)
        return sorted(found)


def counts_of(store: RedisStore) -> QueueCounts:
    """Count the jobs of the queue."""
    return store.run(Count(queue=QUEUE))


def unfinished_jobs(store: RedisStore) -> int:
    """Return how many jobs have not ended."""
    return unfinished(counts_of(store))


def lost_jobs(chaos: Chaos, store: RedisStore, runs: Runs) -> list[str]:
    """Return the jobs that enqueue acknowledged and that have neither succeeded nor died."""
    succeeded, dead = ended_in(store, JobState.SUCCEEDED), ended_in(store, JobState.DEAD)
    done = {job_id for job_id in succeeded if job_id in runs.ends}
    return [job_id for job_id in chaos.ledger if job_id not in done and job_id not in dead]


def unfinished(counts: QueueCounts) -> int:
    """Return how many jobs have not ended."""
    return sum(counts.queued.values()) + counts.scheduled + counts.retrying + counts.running


def rampage(
    chaos: Chaos, jobs: jobkit.RedisJobs, store: RedisStore, *, kills: int, seconds: float
) -> float:
    """Feed and kill, then let the survivors finish; return how long that took."""
    began = time.monotonic()
    while not chaos.has_begun() and time.monotonic() - began < LAST_WAIT:
        chaos.feed(jobs, sum(counts_of(store).queued.values()))
        time.sleep(0.05)
    began = time.monotonic()
    next_kill = began + chaos.warm_up
    while len(chaos.kills) < kills and time.monotonic() - began < seconds:
        chaos.feed(jobs, sum(counts_of(store).queued.values()))
        if time.monotonic() >= next_kill:
            chaos.kill_one()
            next_kill = time.monotonic() + chaos.calm()
        time.sleep(0.01)
    chaos.fed_until = time.time()
    chaos.stopped = stop_ticks(store, QUEUE, patience=LAST_WAIT)
    fed = time.monotonic()
    while unfinished(counts_of(store)) and time.monotonic() - fed < LAST_WAIT:
        time.sleep(0.05)
    return time.monotonic() - began


def verdict(chaos: Chaos, store: RedisStore, seconds: float) -> int:
    """Print the figures and return how many things went wrong."""
    runs = Runs.read(chaos.log)
    dead = ended_in(store, JobState.DEAD)
    lost = lost_jobs(chaos, store, runs)
    strange = [job_id for job_id, job in dead.items() if job.losses < MAX_LOSSES]
    started_twice = sum(len(starts) > 1 for starts in runs.starts.values())
    ended_twice = sum(len(ends) > 1 for ends in runs.ends.values())
    cut_off = runs.restarts(chaos.kills)
    breaches = store.audit(QUEUE)
    ended = [*ended_in(store, JobState.SUCCEEDED).values(), *dead.values()]
    ticks, faults = faults_of_ticks(chaos.stopped, ended, int(chaos.fed_until * 1000))
    print(f"jobs acknowledged          {len(chaos.ledger):8,}  in {seconds:.0f} s")
    print(f"workers killed             {len(chaos.kills):8,}")
    print(f"jobs lost                  {len(lost):8,}  {lost[:3] or ''}")
    print(f"jobs started twice         {started_twice:8,}")
    print(f"jobs finished twice        {ended_twice:8,}")
    print(f"dead after three losses    {len(dead) - len(strange):8,}")
    print(f"dead without a reason      {len(strange):8,}  {strange[:3] or ''}")
    print(f"runs cut off by a kill     {len(cut_off):8,}")
    print(f"until they ran again, s    {_spread(cut_off)}  (lease {chaos.lease:g} s)")
    print(f"broken invariants          {len(breaches):8,}  {breaches[:3] or ''}")
    print(f"ticks                      {ticks:8,}")
    print(f"ticks without one job      {len(faults):8,}  {faults[:3] or ''}")
    return len(lost) + len(strange) + len(breaches) + len(faults)


def ended_in(store: RedisStore, state: JobState) -> dict[str, StoredJob]:
    """Read all jobs of a state, by id."""
    found: dict[str, StoredJob] = {}
    cursor: Place | None = None
    while True:
        page = store.run(Page(queue=QUEUE, state=state, limit=1000, cursor=cursor))
        found |= {job.id: job for job in page.jobs}
        cursor = page.cursor
        if cursor is None:
            return found


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    last = values[int(len(values) * 0.99)]
    return f"p50 {median(values):.1f}, p99 {last:.1f}, max {values[-1]:.1f}"


def main() -> None:
    """Run, print, and exit 1 if something was lost."""
    from benchmarks import chaos_limits  # which is made of what is above

    parser = argparse.ArgumentParser(description="Kill workers under load and count the jobs.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=600.0, help="kill no longer than this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--lease", type=float, default=2.0)
    parser.add_argument("--schedules", type=int, default=3, help="each ticks every second")
    parser.add_argument("--limits", action="store_true", help="watch a limit instead")
    options = parser.parse_args()
    with ExitStack() as stack:
        server = stack.enter_context(RedisServer(find_servers()[-1]))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        # Everything that ended is kept until it was looked at.
        keep = jobkit.QueueOptions(finished_max=10_000_000)
        jobs = jobkit.RedisJobs(server.url, namespace=NAMESPACE, queues={QUEUE: keep})
        store = RedisStore(Connections(address_of(server.url)), namespace=NAMESPACE)
        dice = random.Random(options.seed)
        kind = chaos_limits.LimitedChaos if options.limits else Chaos
        chaos = kind(server.url, Path(folder, "runs"), options.lease, dice)
        chaos.log.touch()
        chaos.workers = [chaos.start_worker() for _ in range(options.workers)]
        stack.callback(chaos.stop)
        if not options.limits:
            start_ticks(jobs, options.schedules)
        seconds = rampage(chaos, jobs, store, kills=options.kills, seconds=options.seconds)
        if isinstance(chaos, chaos_limits.LimitedChaos):
            raise SystemExit(1 if chaos_limits.verdict(chaos, store, seconds) else 0)
        raise SystemExit(1 if verdict(chaos, store, seconds) else 0)


if __name__ == "__main__":
    # The classes here must be the same ones for the other run.
    from benchmarks.chaos import main as run

    run()
