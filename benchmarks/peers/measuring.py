"""Each figure: how it is measured, the same way for every system."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import redis

from benchmarks.peers.environments import python_of
from benchmarks.peers.hits import Hits, read_waits
from benchmarks.peers.processes import Script, Work, WorkerProcess
from benchmarks.peers.summary import percentile
from benchmarks.peers.systems import Kind, System
from tests.servers import HOST, RedisServer

LOOK = 0.005  # seconds between two looks at the hits
SETTLED = 0.3  # seconds after the last expected job, in which none may come any more
STUCK = 60.0  # seconds without a single job
PICK_UPS = 150
OVERHEARD = 1_000  # jobs of a drain whose commands are counted one by one
MEMORY_JOBS = 10_000
FIRST = 10_000  # jobs of a backlog: how fast these go
WINDOWS = 10  # so often, all by one worker; one takes a sixth of a second here
SLOTS = (1, 4, 16, 64, 256)


@dataclass(frozen=True, slots=True)
class SleepShape:
    """Handlers that sleep for so long, on so many slots, all of which are filled so often."""

    name: str
    kind: Kind
    slots: int
    seconds: float
    waves: int


SHAPES = (
    SleepShape("10 ms handlers, 200 threads, jobs/s", "sync", 200, 0.01, waves=100),
    SleepShape("1 s handlers, 2,000 tasks, jobs/s", "async", 2_000, 1.0, waves=4),
)
Note = Callable[[str, float], None]


class WrongCount(Exception):
    """A system ran more or fewer jobs than it was given."""


class Costs:
    """What a drain cost, from the first look at which some job had run: start-up is left out."""

    def __init__(self, redis_cpu: Callable[[], float]) -> None:
        self._redis_cpu = redis_cpu
        self.jobs = 0
        self.worker = self.redis = 0.0
        self.resident = 0

    def begin(self, workers: list[WorkerProcess], jobs: int) -> None:
        """Note what had been spent when so many jobs had run."""
        self.jobs = -jobs
        self.worker = -sum(each.cpu_seconds() for each in workers)
        self.redis = -self._redis_cpu()

    def end(self, workers: list[WorkerProcess], jobs: int) -> None:
        """Note what has been spent when all have run."""
        self.worker += sum(each.cpu_seconds() for each in workers)
        self.redis += self._redis_cpu()
        self.resident = sum(each.resident_bytes() for each in workers)
        self.jobs = max(1, self.jobs + jobs)


class Bench:
    """One system on one server."""

    def __init__(self, system: System, server: RedisServer, folder: Path) -> None:
        self.system = system
        self.server = server
        self.waits: list[float] = []  # of all pick-ups, in milliseconds
        self._folder = folder
        self._python = python_of(system)
        self._number = 0

    def measure(self, jobs: int, note: Note) -> None:
        """Take every figure that the system has a way for."""
        count = max(200, int(jobs * self.system.share))
        for kind in self.system.kinds:
            self._drains(count, kind, note)
        kind = self.system.kinds[0]
        hits = self.drain(Work(count=count, kind=kind, settings="default"))
        note("drain, default settings, jobs/s", hits.rate)
        hits = self.drain(Work(count=count, kind=kind), workers=2)
        note("drain, 2 processes, jobs/s", hits.rate)
        note("client commands/job", self.commands_per_job(kind))
        self._enqueues(count, note)
        self._pick_ups(kind, note)
        note("bytes/queued job", self.bytes_per_job(min(count, MEMORY_JOBS)))
        self._shapes(note)

    def _drains(self, count: int, kind: Kind, note: Note) -> None:
        costs = Costs(self._redis_cpu)
        hits = self.drain(Work(count=count, kind=kind), costs=costs)
        note(f"drain, {kind}, 1 process, jobs/s", hits.rate)
        if kind == self.system.kinds[0]:
            if costs.jobs > count / 2:  # else most had run at the first look
                note("worker us/job", costs.worker / costs.jobs * 1e6)
                note("redis us/job", costs.redis / costs.jobs * 1e6)
            note("worker RSS, MiB", costs.resident / 2**20)

    def drain(
        self,
        work: Work,
        *,
        workers: int = 1,
        begin: Callable[[], None] = lambda: None,
        costs: Costs | None = None,
    ) -> Hits:
        """Enqueue jobs, start workers, and return what they ran; raises `WrongCount`."""
        script = self._script()
        self._fill(script, work)
        begin()
        with self._working(script, work, workers) as running:
            if costs is not None:
                costs.begin(running, self._wait(script, running, 1).count)
            self._wait(script, running, work.count)
            if costs is not None:
                costs.end(running, work.count)
            time.sleep(SETTLED)
            hits = Hits.read(script.hits)
        if hits.count != work.count:
            raise WrongCount(f"{self.system.name} ran {hits.count} of {work.count} jobs")
        return hits

    def _wait(self, script: Script, running: list[WorkerProcess], count: int) -> Hits:
        seen, since = 0, time.monotonic()
        while (hits := Hits.read(script.hits)).count < count:
            if hits.count > seen:
                seen, since = hits.count, time.monotonic()
            if time.monotonic() > since + STUCK:
                raise WrongCount(f"{self.system.name} ran {seen} of {count} jobs, and no more")
            for worker in running:
                worker.check()
            time.sleep(LOOK)
        return hits

    def commands_per_job(self, kind: Kind) -> float:
        """Return how many commands clients send for each job; what scripts call is no command."""
        work = Work(count=OVERHEARD if self.system.share > 0.02 else 200, kind=kind)
        with Overhearing(self.server) as heard:
            self.drain(work, begin=heard.begin)
        return heard.count / work.count

    def bytes_per_job(self, count: int) -> float:
        """Return the memory of Redis that one queued job takes."""
        script = self._script()
        self._fill(script, Work(count=100))  # what is there once, as groups and registries
        before = self._used_memory()
        script.run(self.system.verbs[0], Work(count=count))
        return (self._used_memory() - before) / count

    def _enqueues(self, count: int, note: Note) -> None:
        names = {
            "enqueue": "enqueue, jobs/s",
            "aenqueue": "enqueue, 50 in flight, jobs/s",
            "many": "enqueue in bulk, jobs/s",
        }
        for verb in self.system.verbs:
            number = count if verb == "many" else min(count, max(500, count // 10))
            script = self._script()
            note(names[verb], (number - 1) / script.run(verb, Work(count=number)))

    def _pick_ups(self, kind: Kind, note: Note) -> None:
        script, work = self._script(), Work(count=PICK_UPS, kind=kind)
        warm_up = Work(count=20, kind=kind)
        self._fill(script, warm_up)
        with self._working(script, work, 1) as running:
            self._wait(script, running, warm_up.count)
            script.run("idle", work)
            self._wait(script, running, warm_up.count + PICK_UPS)
        waits = read_waits(script.hits)
        self.waits += waits
        note("pick-up p50, ms", percentile(waits, 0.5))
        note("pick-up p99, ms", percentile(waits, 0.99))

    # Shapes that are not tiny jobs in one queue.

    def _shapes(self, note: Note) -> None:
        for shape in SHAPES:
            if shape.kind in self.system.scales:
                count = shape.waves * shape.slots
                work = Work(count=count, kind=shape.kind, concurrency=shape.slots, job="sleep")
                note(shape.name, self.drain(work).rate_of_sleepers(shape.seconds))

    def grow(self, waiting: int, note: Note) -> None:
        """Measure how fast jobs go of few that wait, and of many, by a worker that is warm."""
        if "many" not in self.system.verbs or self.system.share < 0.1:
            return
        kind = self.system.kinds[0]
        note("10,000 waiting, jobs/s", median(self._refilled(Work(count=FIRST, kind=kind))))
        note("1,000,000 waiting, jobs/s", median(self._first_of(Work(count=waiting, kind=kind))))

    def _refilled(self, work: Work) -> list[float]:
        """Return how fast jobs go that are enqueued while the worker stands still."""
        script = self._script()
        rates: list[float] = []
        self._fill(script, work)
        with self._working(script, work, 1) as running:
            for filled in range(0, (WINDOWS + 1) * work.count, work.count):
                begun = self._wait(script, running, filled + work.count // 10)
                rates.append(begun.rate_until(self._wait(script, running, filled + work.count)))
                if len(rates) <= WINDOWS:
                    with running[0].stopped():
                        self._fill(script, work)
        return rates[1:]  # in the first the worker begins

    def _first_of(self, work: Work) -> list[float]:
        """Return how fast the first jobs of many go, and those behind them, and so on."""
        script = self._script()
        self._fill(script, work)
        with self._working(script, work, 1) as running:
            reads = [self._wait(script, running, n * FIRST) for n in range(1, WINDOWS + 2)]
        return [before.rate_until(after) for before, after in pairwise(reads)]

    def own_shapes(self, count: int, note: Note) -> None:
        """Measure what only jobkit's script knows: many types, many queues."""
        note("1,000 types, jobs/s", self.drain(Work(count=count, types=1_000)).rate)
        note("100 queues, jobs/s", self.drain(Work(count=count, queues=100)).rate)

    def by_slots(self, jobs: int, note: Callable[[str, int, float], None]) -> None:
        """Measure throughput by slots: threads or tasks, or the batch of the bare loop."""
        if not self.system.scales and self.system.packages:
            return
        name, kind = self.system.name, self.system.kinds[0]
        count = max(200, int(jobs * self.system.share))
        for slots in SLOTS:
            work = Work(count=count, kind=kind, concurrency=slots)
            if name != "jobkit":
                note(name, slots, self.drain(work).rate)
                continue
            note(f"{name}, prefetch 256", slots, self.drain(work).rate)
            work = Work(count=count, kind=kind, concurrency=slots, settings="default")
            note(name, slots, self.drain(work).rate)

    # What all of them need.

    def _script(self) -> Script:
        """Return the script with nothing of an earlier run: an empty server, no hits."""
        self._number += 1
        hits = self._folder / str(self._number)
        shutil.rmtree(hits, ignore_errors=True)
        hits.mkdir()
        client(self.server).flushall()
        return Script(self._python, self.system.script, self.server.url, hits)

    def _fill(self, script: Script, work: Work) -> None:
        script.run(self.system.verbs[0], work)

    @contextmanager
    def _working(self, script: Script, work: Work, number: int) -> Generator[list[WorkerProcess]]:
        running: list[WorkerProcess] = []
        try:
            running += (script.start(work) for _ in range(number))
            yield running
        finally:
            for worker in running:
                worker.end()

    def _redis_cpu(self) -> float:
        info = client(self.server).info("cpu")
        return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])

    def _used_memory(self) -> int:
        info = client(self.server).info("memory")
        scripts = info.get("used_memory_vm_total", info["used_memory_lua"])  # garbage of scripts
        return int(info["used_memory"]) - int(scripts)


def client(server: RedisServer) -> Any:
    """Return a bare client; its methods are untyped."""
    return redis.Redis.from_url(server.url)  # pyright: ignore[reportUnknownMemberType]


class Overhearing:
    """Counts the commands that clients send, by MONITOR, which marks those of scripts."""

    def __init__(self, server: RedisServer) -> None:
        self.count = 0
        self._link = socket.create_connection((HOST, server.port))
        self._link.sendall(b"MONITOR\r\n")
        self._thread = threading.Thread(target=self._read, daemon=True)

    def begin(self) -> None:
        """Count from now on."""
        self.count = 0

    def __enter__(self) -> Overhearing:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._link.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._link.close()

    def _read(self) -> None:
        with suppress(OSError), self._link.makefile("rb") as lines:  # until it is shut down
            for line in lines:
                # +1700000000.000000 [0 127.0.0.1:5000] "get" "x"; of a script: [0 lua]
                self.count += b"[" in line[:40] and b" lua]" not in line[:40]


@contextmanager
def a_folder() -> Generator[Path]:
    """Give a folder for what handlers write down: in memory, where there is such a place."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)
