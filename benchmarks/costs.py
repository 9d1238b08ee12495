"""What a job costs a worker and Redis in CPU time, for several versions side by side.

python -m benchmarks.costs [--tree NAME=FOLDER]... [--drain sync:64:256]... [--jobs N] [--rounds N]

A version is a folder with a `jobkit` in it; left out: this one. They take turns on one server, so
that whatever else the machine does befalls all alike. Microseconds of CPU say more than seconds
of wall time then. `--drain` is kind:concurrency:prefetch.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import redis

from benchmarks.figures import Figures, add, show
from tests.servers import RedisServer, find_servers

HERE = Path(__file__).parents[1]
SENT = ("cmdstat_evalsha", "cmdstat_eval", "cmdstat_blpop")  # by clients; the rest by scripts
FILL = """
import sys, jobkit
from benchmarks.jobtypes import jobs
with jobkit.RedisJobs(sys.argv[1], namespace="costs") as queue:
    queue.enqueue_many(jobs(int(sys.argv[2])), chunk=5_000)
"""
MICROSECONDS = 1e6


class Server:
    """A Redis as it is measured; its client's methods are untyped."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client: Any = redis.Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType]

    def start_anew(self) -> None:
        """Forget all jobs."""
        self._client.flushall()

    def count_anew(self) -> None:
        """Forget what was counted."""
        self._client.config_resetstat()

    def seconds(self) -> float:
        """Return the CPU time of the server so far."""
        used: dict[str, float] = self._client.info("cpu")
        return used["used_cpu_user"] + used["used_cpu_sys"]

    def calls(self) -> tuple[int, int]:
        """Return how many commands clients have sent, and how many were carried out in all."""
        stats: dict[str, dict[str, int]] = self._client.info("commandstats")
        sent = sum(stats[name]["calls"] for name in SENT if name in stats)
        return sent, sum(each["calls"] for each in stats.values())


def run(words: list[str], tree: Path) -> str:
    """Run Python with the `jobkit` of a tree, and with these benchmarks."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tree), str(HERE)))}
    done = subprocess.run(
        [sys.executable, *words], env=environ, cwd=tree, check=True, capture_output=True, text=True
    )
    return done.stdout


def measure(
    figures: Figures, server: Server, *, name: str, tree: Path, drain: str, jobs: int
) -> None:
    """Drain some jobs with one worker of a version, and take down what each of them cost."""
    server.start_anew()
    run(["-c", FILL, server.url, str(jobs)], tree)
    server.count_anew()
    before = server.seconds()
    worker = str(HERE / "benchmarks" / "worker.py")
    told = json.loads(run([worker, server.url, "costs", *drain.split(":")], tree))
    if told["succeeded"] != jobs:
        raise SystemExit(f"{told['succeeded']} of {jobs} jobs ran")

    sent, called = server.calls()
    add(figures, f"{drain} {name}: jobs/s", jobs / told["seconds"])
    add(figures, f"{drain} {name}: us of the worker/job", told["cpu"] / jobs * MICROSECONDS)
    for thread in ("pump", "pool", "loop"):
        if thread in told["threads"]:
            spent = told["threads"][thread] / jobs * MICROSECONDS
            add(figures, f"{drain} {name}: us of the {thread}/job", spent)
    spent = (server.seconds() - before) / jobs * MICROSECONDS
    add(figures, f"{drain} {name}: us of Redis/job", spent)
    add(figures, f"{drain} {name}: commands of clients/job", sent / jobs)
    add(figures, f"{drain} {name}: all commands/job", called / jobs)
    add(figures, f"{drain} {name}: times a thread slept/job", told["sleeps"] / jobs)


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description="What a job costs, for several versions.")
    parser.add_argument("--tree", action="append", metavar="NAME=FOLDER")
    parser.add_argument("--drain", action="append", metavar="KIND:CONCURRENCY:PREFETCH")
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    trees = [word.partition("=") for word in options.tree or [f"here={HERE}"]]
    figures: Figures = {}
    with RedisServer(find_servers()[-1]) as running:
        server = Server(running.url)
        for number in range(options.rounds):
            print(f"round {number + 1}, {running.binary.label}")
            for drain in options.drain or ["sync:64:256", "sync:10:0", "async:64:256"]:
                for name, _, folder in trees:
                    tree = Path(folder).resolve()
                    measure(figures, server, name=name, tree=tree, drain=drain, jobs=options.jobs)
    show(figures, print)


if __name__ == "__main__":
    main()
