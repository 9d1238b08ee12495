"""What reads and claims cost by how much there is, on a Redis of its own: `make reads`.

python -m benchmarks.reads [--jobs 1000000] [--rounds 200]

Prints Markdown tables in milliseconds, as a client sees them. Reads go through `jobs.inspect`; a
third of the jobs is queued, scheduled and succeeded each, of five types. A claim takes 16 jobs and
is measured with so many jobs waiting, scheduled or finished, or of so many types; they succeed, and
as many others are enqueued.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import quantiles

import jobkit
from jobkit.clock import system_milliseconds
from jobkit.ids import system_ids
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.store import RedisStore
from jobkit.store import (
    Bounds,
    Claim,
    Claimed,
    Heartbeat,
    Lane,
    LaneSet,
    Lease,
    NewJob,
    Push,
    Settle,
    StoredJob,
    Succeed,
)
from tests.servers import RedisServer, find_servers

CHUNK = 1_000
CYCLE = 500
TAKEN = 16
WAITING = 2_000  # beside what is scheduled, finished or of other types
YEAR = 365 * 86_400_000
KEEP_ALL = Bounds(finished_for=YEAR, finished_max=10**9, dead_for=YEAR, dead_max=10**9)
Row = tuple[str, list[float]]


class Filler:
    """One queue of one namespace, and a worker that serves all its types."""

    def __init__(self, url: str, namespace: str, types: int) -> None:
        self.store = RedisStore(Connections(address_of(url)), namespace=namespace)
        self.types = [f"app.jobs.Type{number}" for number in range(types)]
        self.ids = system_ids(system_milliseconds)
        self._requests = 0
        lanes = {name: Lane(group=name) for name in self.types}
        self.lanes = LaneSet(key=f"of-{types}", lanes=lanes)
        self.store.run(Heartbeat(queue="q", worker="w", lanes=self.lanes, lease=30_000))

    def push(self, number: int, *, delay: int = 0) -> str:
        """Store jobs of all types in turn; return the id of the last."""
        job_id = ""
        for first in range(0, number, CHUNK):
            jobs = [self._job(n, delay) for n in range(first, min(first + CHUNK, number))]
            self.store.run(Push(jobs=tuple(jobs), channel="fill", request=self._next()))
            job_id = jobs[-1].id
        return job_id

    def _job(self, number: int, delay: int) -> NewJob:
        kind = self.types[number % len(self.types)]
        return NewJob(
            id=self.ids.new("q"), queue="q", type=kind, payload=b'{"user_id":7}', delay=delay
        )

    def _next(self) -> int:
        self._requests += 1
        return self._requests

    def finish(self, number: int) -> None:
        """Store jobs, and let all of them succeed."""
        self.push(number)
        while number > 0:
            taken = self.claim(CYCLE)
            self._settle(tuple(Succeed(lease=_lease(job), duration=1) for job in taken.jobs))
            number -= len(taken.jobs)

    def claim(self, slots: int) -> Claimed:
        """Take the best jobs."""
        return self.store.run(
            Claim(
                queue="q",
                worker="w",
                version="1",
                request=self._next(),
                lanes=self.lanes,
                slots=slots,
                lease=30_000,
                bounds=KEEP_ALL,
            )
        )

    def time_of_claim(self) -> float:
        """Return how long a claim took; for each job that it takes another one is enqueued."""
        began = time.perf_counter()
        taken = self.claim(TAKEN)
        took = time.perf_counter() - began
        if len(taken.jobs) != TAKEN:
            raise RuntimeError(f"a claim took {len(taken.jobs)} jobs, not {TAKEN}")
        self._settle(tuple(Succeed(lease=_lease(job), duration=1) for job in taken.jobs))
        self.push(TAKEN)
        return took

    def _settle(self, settlements: tuple[Succeed, ...]) -> None:
        settle = Settle(
            queue="q", worker="w", version="1", settlements=settlements, bounds=KEEP_ALL
        )
        self.store.run(settle)


def _lease(job: StoredJob) -> Lease:
    return Lease(id=job.id, fence=job.fence)


def reads(url: str, number: int) -> dict[str, Callable[[], object]]:
    """Fill a queue with so many jobs, and return what reads it, by name."""
    namespace = f"reads-{number}"
    filler = Filler(url, namespace, 5)
    filler.finish(number // 3)
    filler.push(number // 3, delay=3_600_000)
    job_id = filler.push(number - 2 * (number // 3))
    if len(filler.claim(TAKEN).jobs) != TAKEN:
        raise RuntimeError("there is nothing to run")
    kind = filler.types[0]
    look = jobkit.RedisJobs(url, namespace=namespace).inspect
    second = look.jobs(state="scheduled", limit=20).cursor
    return {
        "get": lambda: look.get(job_id),
        "jobs, of all": look.jobs,
        "jobs, queued": lambda: look.jobs(state="queued"),
        "jobs, running": lambda: look.jobs(state="running"),
        "jobs, scheduled, second page": lambda: look.jobs(state="scheduled", cursor=second),
        "jobs, scheduled, of a type": lambda: look.jobs(state="scheduled", type=kind),
        "jobs, succeeded": lambda: look.jobs(state="succeeded"),
        "jobs, succeeded, of a type": lambda: look.jobs(state="succeeded", type=kind),
        "queues": look.queues,
        "workers": look.workers,
        "schedules": look.schedules,
        "stats": look.stats,
    }


def percentiles(
    actions: Sequence[Callable[[], object]], rounds: int, *percents: int
) -> list[list[float]]:
    """Return these percentiles of the time of each action, in milliseconds; they take turns."""
    found: list[list[float]] = [[] for _ in actions]
    for _ in range(rounds):
        for times, action in zip(found, actions, strict=True):
            began = time.perf_counter()
            took = action()
            times.append(took if isinstance(took, float) else time.perf_counter() - began)
    cuts = [quantiles(times, n=100) for times in found]
    return [[each[percent - 1] * 1000 for each in cuts] for percent in percents]


def claims(server: RedisServer, sizes: Sequence[int], rounds: int) -> list[Row]:
    """Return the median and the 99th percentile of a claim for each size, of each kind of job."""
    rows: list[Row] = []
    for kind in ("waiting", "scheduled", "finished"):
        server.ask("FLUSHALL ASYNC")
        fillers = [Filler(server.url, f"{kind}-{size}", 5) for size in sizes]
        for size, filler in zip(sizes, fillers, strict=True):
            if kind == "scheduled":
                filler.push(size, delay=3_600_000)
            elif kind == "finished":
                filler.finish(size)
            filler.push(size if kind == "waiting" else WAITING)
        times = percentiles([each.time_of_claim for each in fillers], rounds, 50, 99)
        rows += [(f"{kind} jobs, p50", times[0]), (f"{kind} jobs, p99", times[1])]
    return rows


def claims_by_types(server: RedisServer, sizes: Sequence[int], rounds: int) -> list[float]:
    """Return the median of a claim for each number of types."""
    server.ask("FLUSHALL ASYNC")
    fillers = [Filler(server.url, f"types-{size}", size) for size in sizes]
    for filler in fillers:
        filler.push(10_000)
    return percentiles([each.time_of_claim for each in fillers], rounds, 50)[0]


def table(title: str, columns: Sequence[int], rows: Sequence[Row]) -> str:
    """Return a Markdown table; the last column compares the last figure with the first."""
    lines = [
        f"| {title} | " + " | ".join(f"{column:,}" for column in columns) + " | ratio |",
        "|---|" + "--:|" * (len(columns) + 1),
    ]
    for name, values in rows:
        figures = " | ".join(f"{value:.2f}" for value in values)
        lines.append(f"| {name} | {figures} | {values[-1] / values[0]:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1_000)
    given = parser.parse_args()
    with RedisServer(find_servers()[-1]) as server:
        small, large = (reads(server.url, number) for number in (1_000, given.jobs))
        rows: list[Row] = [
            (name, percentiles([small[name], large[name]], given.rounds, 50)[0]) for name in small
        ]
        print(table("ms, p50, with jobs:", (1_000, given.jobs), rows), "\n", flush=True)
        sizes = [10_000, *(n for n in (100_000,) if n < given.jobs), given.jobs]
        print(table("ms a claim of 16, with", sizes, claims(server, sizes, given.rounds)), "\n")
        types = (1, 100, 1_000)
        times = claims_by_types(server, types, given.rounds)
        print(table("ms a claim of 16, with types:", types, [("10,000 jobs", times)]))


if __name__ == "__main__":
    main()
