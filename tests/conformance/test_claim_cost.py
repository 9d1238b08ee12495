"""What a claim costs, counted in the commands that Redis carries out: not in time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from jobkit.redis.connections import Connections, address_of
from jobkit.redis.store import RedisStore
from jobkit_testing.conformance.bench import Bench, BenchWorker
from jobkit_testing.conformance.builders import HOUR, a_job, lanes, succeed
from tests.conftest import BINARIES, NEWEST
from tests.servers import RedisServer

FEW, MANY = 10, 1_000
TAKEN = 5
SERVED = lanes("A")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """Give a server of its own: its counters must be nobody else's."""
    with RedisServer(BINARIES[NEWEST]) as running:
        yield running


@pytest.fixture
def cost(server: RedisServer, namespace: str) -> Iterator[Callable[[Prepare, int], int]]:
    """Give what counts the commands of one claim after something was prepared."""
    stores: list[RedisStore] = []

    def count(prepare: Prepare, number: int) -> int:
        connections = Connections(address_of(server.url))
        store = RedisStore(connections, namespace=f"{namespace}-{len(stores)}")
        stores.append(store)
        bench = Bench(store)
        ann = bench.worker("ann", SERVED)
        prepare(bench, ann, number)
        bench.push(*[a_job("A") for _ in range(2 * TAKEN)])
        server.ask("CONFIG RESETSTAT")
        assert len(ann.take(TAKEN)) == TAKEN
        return sum(map(int, re.findall(r"^cmdstat_(?!config|info|eval)[^:]*:calls=(\d+)",
                                       server.ask("INFO commandstats"), re.MULTILINE)))  # fmt: skip

    yield count
    for store in stores:
        store.close()


Prepare = Callable[[Bench, BenchWorker, int], object]


def more_waiting(bench: Bench, ann: BenchWorker, number: int) -> None:
    bench.push(*[a_job("A", priority=1) for _ in range(number)])


def scheduled(bench: Bench, ann: BenchWorker, number: int) -> None:
    bench.push(*[a_job("A", delay=HOUR) for _ in range(number)])


def finished(bench: Bench, ann: BenchWorker, number: int) -> None:
    bench.push(*[a_job("A") for _ in range(number)])
    ann.settle(*[succeed(job) for job in ann.take(number)])


def unserved_lanes_behind(bench: Bench, ann: BenchWorker, number: int) -> None:
    bench.push(*[a_job(f"B{i}", priority=1) for i in range(number)])


def jobs_of_one_unserved_lane_ahead(bench: Bench, ann: BenchWorker, number: int) -> None:
    bench.push(*[a_job("B", priority=-1) for _ in range(number)])


@pytest.mark.parametrize(
    "prepare",
    [
        more_waiting,
        scheduled,
        finished,
        unserved_lanes_behind,
        jobs_of_one_unserved_lane_ahead,
    ],
)
def test_a_claim_does_as_much_however_much_there_is_of(
    cost: Callable[[Prepare, int], int], prepare: Prepare
) -> None:
    """B50, B24"""
    assert cost(prepare, FEW) == cost(prepare, MANY)


def unserved_lanes_ahead(bench: Bench, ann: BenchWorker, number: int) -> None:
    bench.push(*[a_job(f"B{i}", priority=-1) for i in range(number)])


def test_each_lane_ahead_that_is_passed_over_costs_one_look(
    cost: Callable[[Prepare, int], int],
) -> None:
    """B50: one look-up, and a read of the index for every fifty."""
    fewer, more = cost(unserved_lanes_ahead, 100), cost(unserved_lanes_ahead, 200)

    assert more - fewer <= 2 * (100 + 100 // 50)  # one walk to choose, one to see what is left
