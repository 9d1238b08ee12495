"""What a failover costs: `python -m benchmarks.failover sentinel|cluster [--lag 0.5] [--replicas]`.

Starts a primary with a replica behind it (three pairs for a cluster), lets producers enqueue and
a worker run, kills the primary (SIGKILL) under load, waits until the replica has taken over by
itself, starts the old one again as a replica, and compares what was acknowledged with what ran.

Replication is asynchronous: what the primary acknowledged and had not sent yet is gone with it.
`--lag` cuts the replica off for so many seconds before the kill. `--replicas` sets
min-replicas-to-write 1 and min-replicas-max-lag 2: then a primary that has lost sight of its
replica stops to acknowledge, which bounds the loss to what it took in about two seconds.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import jobkit
from jobkit import BackendUnavailable, JobContext, RedisJobs
from jobkit.redis.cluster.slots import slot_of
from jobkit.redis.keys import queue_prefix
from tests.clusters import RedisCluster
from tests.sentinels import PASSWORD, SentinelGroup
from tests.servers import RedisServer, find_servers, wait_until

CAREFUL = ("--min-replicas-to-write", "1", "--min-replicas-max-lag", "2")
DOWN_AFTER = 1_000  # milliseconds until a silent primary counts as dead
BEFORE, AFTER = 3.0, 3.0  # seconds of load around the failover
WAIT = timedelta(seconds=8)  # for half of the jobs: so they are in the store, not run, at the kill
PATIENCE = 60.0


@jobkit.job(name="failover.Step")
@dataclass(frozen=True)
class Step:
    """A job that only counts."""


@dataclass
class Ledger:
    """What was acknowledged and what ran, each with its instant."""

    acknowledged: dict[str, float] = field(default_factory=dict[str, float])
    ran: dict[str, float] = field(default_factory=dict[str, float])
    again: int = 0
    refused: int = 0

    def note_run(self, job_id: str) -> None:
        """Note that a job runs; some run twice after a failover."""
        self.again += job_id in self.ran
        self.ran.setdefault(job_id, time.monotonic())


@contextmanager
def a_pair(
    kind: str, options: tuple[str, ...]
) -> Generator[tuple[str, RedisServer, RedisServer, str]]:
    """Give the URL, the primary to be killed, its replica, and a queue that it serves."""
    binary = find_servers()[-1]
    if kind == "sentinel":
        with SentinelGroup(binary, *options, down_after=DOWN_AFTER) as group:
            yield group.url, group.first, group.second, "default"
        return
    with RedisCluster(binary, *options, replicas=True, node_timeout=DOWN_AFTER) as cluster:
        for number in range(99):
            node = cluster.master_of(slot_of(queue_prefix("jobkit", f"q{number}")))
            if node is cluster.masters[0]:
                yield cluster.url, node, cluster.replicas[0], f"q{number}"
                return


def produce(
    jobs: RedisJobs, queue: str, delay: timedelta, ledger: Ledger, stop: threading.Event
) -> None:
    """Enqueue until told to stop."""
    while not stop.is_set():
        try:
            handle = jobs.enqueue(Step(), queue=queue, delay=delay)
        except BackendUnavailable:
            ledger.refused += 1
        else:
            ledger.acknowledged[handle.id] = time.monotonic()


def run(kind: str, lag: float, options: tuple[str, ...]) -> None:
    """Do it once and print what was found."""
    ledger, stop = Ledger(), threading.Event()
    logging.disable(logging.WARNING)  # hundreds of jobs that are gone
    with a_pair(kind, options) as (url, primary, replica, queue), RedisJobs(url) as jobs:

        @jobs.register
        def handle(_: Step, ctx: JobContext) -> None:
            ledger.note_run(ctx.id)

        jobs.start(queues=[queue], lease=timedelta(seconds=5))
        producers = [
            threading.Thread(target=produce, args=(jobs, queue, delay, ledger, stop))
            for delay in (timedelta(0), WAIT)
        ]
        for producer in producers:
            producer.start()
        time.sleep(BEFORE)
        login = () if kind == "cluster" else (f"AUTH {PASSWORD}",)
        if lag:
            os.kill(replica.pid, signal.SIGSTOP)
            primary.ask(*login, "CLIENT KILL TYPE replica")  # what is sent to it now gets lost
            time.sleep(lag)
        killed = time.monotonic()
        primary.kill()
        if lag:
            os.kill(replica.pid, signal.SIGCONT)
        wait_until("another primary", partial(_is_primary, replica, login))
        primary.restart()  # now a replica of the other: which may want one before it writes
        deadline = killed + PATIENCE
        while not any(at > killed + 0.5 for at in list(ledger.ran.values())):
            if time.monotonic() > deadline:
                raise SystemExit("nothing ran any more")
            time.sleep(0.05)
        time.sleep(AFTER)
        stop.set()
        for producer in producers:
            producer.join()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and _is_left(jobs, queue):
            time.sleep(0.1)
    tell(ledger, killed)


def _is_left(jobs: RedisJobs, queue: str) -> bool:
    """Tell whether a job waits or runs."""
    states = ("scheduled", "queued", "retrying", "running")
    return any(jobs.inspect.jobs(state=each, queue=queue, limit=1).total for each in states)


def _is_primary(server: RedisServer, login: tuple[str, ...]) -> bool:
    return "role:master" in server.ask(*login, "INFO replication")


def tell(ledger: Ledger, killed: float) -> None:
    """Print the figures."""
    lost = [at - killed for job, at in ledger.acknowledged.items() if job not in ledger.ran]
    first_ack = min(at for at in ledger.acknowledged.values() if at > killed + 0.5)
    first_run = min(at for at in ledger.ran.values() if at > killed + 0.5)
    print(
        f"acknowledged {len(ledger.acknowledged):,}, ran {len(ledger.ran):,} "
        f"({ledger.again} of them twice), lost {len(lost)}, refused {ledger.refused}; enqueue "
        f"again after {first_ack - killed:.1f} s, run again after {first_run - killed:.1f} s"
    )
    if lost:
        print(f"  lost: acknowledged {-max(lost):.3f} to {-min(lost):.3f} s before the kill")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("kind", choices=["sentinel", "cluster"])
    parser.add_argument("--lag", type=float, default=0.0, help="seconds the replica is behind")
    parser.add_argument("--replicas", action="store_true", help="min-replicas-to-write 1")
    given = parser.parse_args()
    run(given.kind, given.lag, CAREFUL if given.replicas else ())


if __name__ == "__main__":
    main()
