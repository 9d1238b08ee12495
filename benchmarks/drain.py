"""What jobkit does per second, on a Redis of its own: `make bench`.

python -m benchmarks.drain [--jobs 100000] [--rounds 3] [--json FILE]

Each figure is the median of the rounds, with the least and the greatest beside it. 100,000
no-op jobs of five types with five small fields each; one worker process. What is compared
stands in one run: single enqueues alternate with the same script sent bare.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

import redis

import jobkit
from benchmarks.figures import Figures, add, show
from benchmarks.jobtypes import JobA, jobs
from jobkit.clock import system_milliseconds
from jobkit.ids import system_ids
from jobkit.redis.commands import command
from jobkit.store import NewJob, Push
from tests.servers import RedisServer, find_servers

CHUNK = 1_000
SINGLE = 5_000
PICK_UPS = 200


class Bench:
    """A server, and a fresh namespace for each measurement."""

    def __init__(self, server: RedisServer, count: int) -> None:
        self.server = server
        self.count = count
        self._namespaces = 0

    def namespace(self) -> str:
        """Return a namespace that nothing used yet."""
        self._namespaces += 1
        return f"bench-{self._namespaces}"

    def client(self) -> Any:
        """Return a bare client; its methods are untyped."""
        return redis.Redis.from_url(self.server.url)  # pyright: ignore[reportUnknownMemberType]

    def enqueue_all(self, namespace: str) -> float:
        """Enqueue everything in chunks and return how many a second that were."""
        todo = jobs(self.count)
        with jobkit.RedisJobs(self.server.url, namespace=namespace) as queue:
            began = time.perf_counter()
            queue.enqueue_many(todo, chunk=CHUNK)
            return self.count / (time.perf_counter() - began)

    def flush(self) -> None:
        """Empty the server between measurements: it is this benchmark's own."""
        self.client().flushall()


def drain(bench: Bench, kind: str, concurrency: int, prefetch: int) -> tuple[float, float]:
    """Return jobs/s of one worker process, and the client commands that each job took."""
    namespace = bench.namespace()
    bench.enqueue_all(namespace)
    bench.client().config_resetstat()
    words = [bench.server.url, namespace, kind, str(concurrency), str(prefetch)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", *words],
        check=True,
        capture_output=True,
        text=True,
    )
    report = json.loads(done.stdout)
    if report["succeeded"] != bench.count:
        raise SystemExit(f"{report['succeeded']} of {bench.count} jobs ran: {done.stderr}")
    commands = _client_commands(bench.client())
    bench.flush()
    return bench.count / report["seconds"], commands / bench.count


def _client_commands(client: Any) -> int:
    """Count the commands that clients sent: scripts, and what no script calls."""
    sent = ("evalsha", "eval", "blpop")
    info: dict[str, dict[str, int]] = client.info("commandstats")
    return sum(stats["calls"] for name, stats in info.items() if name[8:] in sent)


def single_enqueues(bench: Bench) -> tuple[float, float]:
    """Return single enqueues/s, and the same pushes sent bare in a loop by redis-py."""
    namespace = bench.namespace()
    with jobkit.RedisJobs(bench.server.url, namespace=namespace) as queue:
        queue.enqueue(JobA(0))
        began = time.perf_counter()
        for i in range(SINGLE):
            queue.enqueue(JobA(i))
        own = SINGLE / (time.perf_counter() - began)
    bare = _bare_pushes(bench, bench.namespace())
    bench.flush()
    return own, bare


def _bare_pushes(bench: Bench, namespace: str) -> float:
    ids = system_ids(system_milliseconds)
    prepared: list[tuple[bytes | str | int, ...]] = []
    for i in range(SINGLE):
        new = NewJob(
            id=ids.new("default"),
            queue="default",
            type="benchmarks.jobtypes.JobA",
            payload=b'{"amount":1,"is_test":false,"locale":"en","note":"hello","user_id":%d}' % i,
        )
        push = Push(jobs=(new,), channel="bare", request=i + 1)
        prepared.append(command(push, namespace=namespace, now=None).packed())
    client = bench.client()
    began = time.perf_counter()
    for words in prepared:
        client.execute_command(*words)
    return SINGLE / (time.perf_counter() - began)


def pick_up(bench: Bench) -> tuple[float, float]:
    """Return p50 and p99 in milliseconds from the call of enqueue to the handler's start."""
    waits: list[float] = []
    started = threading.Event()
    with jobkit.RedisJobs(bench.server.url, namespace=bench.namespace()) as queue:

        @queue.register
        def note(_: JobA) -> None:
            waits.append(time.perf_counter() - sent)
            started.set()

        sent = time.perf_counter()
        queue.start()
        queue.drain()
        for _ in range(PICK_UPS):
            time.sleep(0.02)
            started.clear()
            sent = time.perf_counter()
            queue.enqueue(JobA(1))
            started.wait(5)
    bench.flush()
    ordered = sorted(waits)
    return median(ordered) * 1000, ordered[int(len(ordered) * 0.99)] * 1000


def bytes_per_job(bench: Bench) -> float:
    """Return the memory of Redis that one queued job takes."""
    before: int = bench.client().info("memory")["used_memory"]
    bench.enqueue_all(bench.namespace())
    taken: int = bench.client().info("memory")["used_memory"] - before
    bench.flush()
    return taken / bench.count


def one_round(bench: Bench, figures: Figures) -> None:
    """Measure everything once."""

    def note(name: str, value: float) -> None:
        add(figures, name, value)

    for kind in ("sync", "async"):
        for concurrency, prefetch in ((1, 0), (16, 0), (64, 0), (64, 256)):
            speed, commands = drain(bench, kind, concurrency, prefetch)
            label = f"{kind}, concurrency {concurrency}, prefetch {prefetch}"
            note(f"drain jobs/s: {label}", speed)
            note(f"client commands/job: {label}", commands)
    own, bare = single_enqueues(bench)
    note("single enqueues/s", own)
    note("the same pushes bare, /s", bare)
    note("enqueue_many jobs/s", bench.enqueue_all(bench.namespace()))
    bench.flush()
    p50, p99 = pick_up(bench)
    note("pick-up p50 ms", p50)
    note("pick-up p99 ms", p99)
    note("bytes/queued job", bytes_per_job(bench))


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description="What jobkit does per second.")
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write all values to this file")
    options = parser.parse_args()
    binary = find_servers()[-1]
    figures: Figures = {}
    with RedisServer(binary) as server:
        bench = Bench(server, options.jobs)
        for number in range(options.rounds):
            print(f"round {number + 1}, {binary.label}, Python {platform.python_version()}")
            one_round(bench, figures)
    show(figures, print)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
