"""The same random steps on the memory store and on others: `make fuzz`.

python -m benchmarks.fuzz [--steps 20000] [--seed 1] [--on redis-8.2 redis-6.2 fakeredis cluster]
                          [--url redis://...] [--seconds 120] [--shrink | --no-shrink]

For each place: steps done, steps a second (by the clock, and by the processor time of this
process, which a busy machine does not change), the seeds, and each difference with a program of
steps that shows it. Servers are its own; at a `--url` it uses namespaces of its own and removes
them. Exits with 1 if there was a difference.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from jobkit.ids import incarnation
from jobkit.memory.store import MemoryStore
from jobkit.redis.cluster import ClusterStore, cluster_address_of
from jobkit.redis.connections import REPLY_TIMEOUT, Connections, address_of
from jobkit.redis.store import RedisStore
from jobkit.store import Store
from jobkit_testing.redis_places import FakeStore, remove_keys
from jobkit_testing.side_by_side import fuzz
from tests.clusters import RedisCluster
from tests.servers import RedisServer, find_servers

ROUND = 3_000  # steps between two looks at the clock
SLOW = {"fakeredis": 20}  # places that get so many times fewer steps
STOP_AFTER = 3  # differences
OTHERS = ("fakeredis", "cluster", "memory")


@dataclass(slots=True)
class Place:
    """Somewhere to make stores, and to tidy up after them."""

    make: Callable[[], Store]
    tidy: Callable[[], object] = field(default=lambda: None)


def main() -> None:
    """Do the steps on each place, and print what came of it."""
    binaries = {binary.label: binary for binary in find_servers()}
    parser = argparse.ArgumentParser(description="The same random steps on two stores.")
    parser.add_argument("--steps", type=int, default=20_000, help="on each place")
    parser.add_argument("--seed", type=int, default=1, help="of the first program of each place")
    parser.add_argument("--seconds", type=float, default=3_600, help="for each place, at most")
    parser.add_argument("--on", nargs="+", choices=[*binaries, *OTHERS])
    parser.add_argument("--url", help="a Redis or cluster of yours, instead")
    parser.add_argument("--shrink", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    places = [options.url] if options.url else options.on or [*binaries, "fakeredis", "cluster"]
    differences = 0
    for name in places:
        with place(name) as where:
            differences += run(name, where, options)
    sys.exit(1 if differences else 0)


def run(name: str, where: Place, options: argparse.Namespace) -> int:
    """Do the steps on one place; return how many differences there were."""
    wanted = options.steps // SLOW.get(name, 1)
    done, seed, found = 0, options.seed, 0
    began, busy = time.monotonic(), time.process_time()
    while done < wanted and found < STOP_AFTER and time.monotonic() - began < options.seconds:
        steps = min(ROUND, wanted - done)
        outcome = fuzz(MemoryStore, where.make, steps=steps, seed=seed, shrinking=options.shrink)
        where.tidy()
        done += outcome.steps
        seed += outcome.programs
        if outcome.difference is not None:
            found += 1
            print(f"{name}, seed {outcome.difference.seed}: {outcome.difference}", flush=True)
    seconds, busy = time.monotonic() - began, time.process_time() - busy
    print(
        f"{name:10} {done:9,} steps, {done / seconds:6.0f}/s ({done / busy:6.0f} per second of "
        f"processor), seeds {options.seed} to {seed - 1}: {found} differences",
        flush=True,
    )
    return found


@contextmanager
def place(name: str) -> Generator[Place]:
    """Start what a place needs."""
    binaries = {binary.label: binary for binary in find_servers()}
    if name == "memory":
        yield Place(MemoryStore)
    elif name == "fakeredis":
        yield Place(FakeStore)
    elif name == "cluster":
        with RedisCluster(find_servers()[-1]) as cluster:
            yield _on(cluster.url, lambda: [node.ask("FLUSHALL") for node in cluster.nodes])
    elif name in binaries:
        with RedisServer(binaries[name]) as server:
            yield _on(server.url, lambda: server.ask("FLUSHALL"))
    else:
        yield _at(name)


def _on(url: str, flush: Callable[[], object]) -> Place:
    """Give each store a namespace; everything is flushed after each round."""
    numbers = count(1)
    return Place(lambda: store_at(url, f"fuzz-{next(numbers)}"), flush)


def _at(url: str) -> Place:
    """Give each store a namespace that nobody has, and remove what was made, and nothing else."""
    mine: list[str] = []

    def make() -> Store:
        mine.append(f"fuzz-{incarnation()}")
        return store_at(url, mine[-1])

    def tidy() -> None:
        while mine:
            namespace = mine.pop()
            store = store_at(url, namespace)
            for ask in store.nodes():
                remove_keys(ask, namespace)
            store.close()

    return Place(make, tidy)


def store_at(url: str, namespace: str) -> RedisStore | ClusterStore:
    """Return the store at a URL."""
    cluster = cluster_address_of(url, reply_timeout=REPLY_TIMEOUT)
    if cluster is not None:
        return ClusterStore(cluster, namespace=namespace)
    return RedisStore(Connections(address_of(url)), namespace=namespace)


if __name__ == "__main__":
    main()
