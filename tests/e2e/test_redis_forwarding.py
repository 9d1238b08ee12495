"""Children for queues of other slots: each arrives once, whoever dies when (B41).

A forwarding is a route of trips. Here it is walked by hand: given up after any trip, repeated, or
walked twice at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from jobkit.errors import BackendUnavailable
from jobkit.record import JobState
from jobkit.redis.cluster import ClusterStore, cluster_address_of
from jobkit.redis.cluster.dispatch import Dispatcher
from jobkit.redis.cluster.routing import Answers, Route, Trip
from jobkit.redis.cluster.slots import slot_of
from jobkit.redis.keys import queue_prefix
from jobkit.store import Delete, Operation, UniqueKey
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import QUEUE, SECOND, START, a_job, lanes, succeed
from tests.clusters import RedisCluster

TARGETS = ("mail", "reports", "billing")
_numbers = count(1)


class WalkedStore(ClusterStore):
    """Dies after a number of trips, as often as it is told to."""

    trips_left: int | None = None
    trips = 0

    def exchange(self, trip: Trip) -> Answers:
        if self.trips_left is not None:
            if self.trips_left == 0:
                raise Died
            self.trips_left -= 1
        self.trips += 1
        return super().exchange(trip)

    @property
    def dispatcher(self) -> Dispatcher:
        return self._dispatcher

    def walk(self, route: Route[Any]) -> Iterator[None]:
        """Stop before each trip."""
        try:
            trip = next(route)
            while True:
                yield
                trip = route.send(self.exchange(trip))
        except StopIteration:
            return


class Died(BaseException):
    """The process is no more."""


@pytest.fixture
def store(redis_cluster: RedisCluster, namespace: str) -> Iterator[WalkedStore]:
    """Give a store on a cluster, in a namespace of its own."""
    address = cluster_address_of(redis_cluster.url, reply_timeout=5)
    assert address is not None
    made = WalkedStore(address, namespace=f"{namespace}-forward-{next(_numbers)}")
    yield made
    made.close()


@pytest.fixture
def bench(store: WalkedStore) -> Iterator[Bench]:
    """Give a bench with the store, audited at the end."""
    made = Bench(store)
    yield made
    assert made.breaches() == []


def a_settlement(bench: Bench, *queues: str, **options: Any) -> tuple[Operation[Any], list[Any]]:
    """Return a success with a child in each of these queues, and the children."""
    bench.push(a_job())
    ann = bench.worker()
    children = [bench.named(a_job("B", queue=queue, **options)) for queue in queues]
    return ann.settling(succeed(ann.take_one(), children=tuple(children))), children


def where_they_are(bench: Bench, children: list[Any]) -> list[int]:
    """Return how many of the children are in each target queue."""
    return [bench.count(queue).queued.get("B", 0) for queue in TARGETS]


def test_the_queues_of_these_tests_are_on_several_nodes(
    store: WalkedStore, redis_cluster: RedisCluster
) -> None:
    names = [QUEUE, *TARGETS]
    slots = [slot_of(queue_prefix(store.dispatcher.namespace, name)) for name in names]

    assert len(set(slots)) == len(names)


def dies(bench: Bench, store: WalkedStore, settle: Operation[Any], *, after: int) -> bool:
    """Settle in a process that dies after so many trips; False if it needed no more."""
    store.trips_left = after
    try:
        bench.run(settle)
    except Died:
        return True
    finally:
        store.trips_left = None
    return False


def test_a_worker_that_dies_on_the_way_is_replaced(bench: Bench, store: WalkedStore) -> None:
    """B41: the next claim of the parent's queue brings what was left behind."""
    died: list[bool] = []
    for trips in range(1, 8):
        settle, children = a_settlement(bench, *TARGETS, *TARGETS)
        before = where_they_are(bench, children)
        died.append(dies(bench, store, settle, after=trips))

        bench.worker("bob").claim()

        assert where_they_are(bench, children) == [number + 2 for number in before]
        assert bench.count().succeeded == trips
    assert died[:2] == [True, True]
    assert not died[-1]


def test_a_settlement_repeated_after_a_death_changes_nothing(
    bench: Bench, store: WalkedStore
) -> None:
    """B41, B38: by a worker that is told that its reply was lost."""
    died: list[bool] = []
    for trips in range(1, 8):
        settle, children = a_settlement(bench, *TARGETS)
        before = where_they_are(bench, children)
        died.append(dies(bench, store, settle, after=trips))

        bench.run(settle)
        bench.run(settle)

        assert where_they_are(bench, children) == [number + 1 for number in before]
    assert died[:2] == [True, True]
    assert not died[-1]


def test_two_may_forward_at_once(bench: Bench, store: WalkedStore) -> None:
    """B41: in any order of their steps."""
    for head_start in range(5):
        settle, children = a_settlement(bench, *TARGETS)
        before = where_they_are(bench, children)
        store.trips_left = 1  # the settlement itself
        with pytest.raises(Died):
            bench.run(settle)
        store.trips_left = None
        one, other = (store.walk(store.dispatcher.forward(QUEUE, bench.now)) for _ in range(2))
        for _ in range(head_start):
            next(one, None)

        list(other)
        list(one)

        assert where_they_are(bench, children) == [number + 1 for number in before]


def test_a_child_that_has_run_does_not_come_back(bench: Bench, store: WalkedStore) -> None:
    """B41, B46: nor one that was deleted, though the outbox still has them."""
    settle, children = a_settlement(bench, "mail", "mail")
    walk = store.walk(store.dispatcher.run_many([settle], bench.now))
    while where_they_are(bench, children)[0] < 2:
        next(walk)
    ran, deleted = children
    bob = bench.worker("bob", lanes("B"), queue="mail")
    bob.settle(succeed(bob.take_one()))
    bench.run(Delete(queue="mail", id=deleted.id))

    bench.worker("ann").claim()

    assert bench.get(ran.id, queue="mail").state is JobState.SUCCEEDED
    assert bench.find(deleted.id, queue="mail") is None


def test_children_keep_their_order_over_many_trips(bench: Bench, store: WalkedStore) -> None:
    """B4, B41: more than one forwarding takes."""
    settle, children = a_settlement(bench, *["mail"] * 1_200)

    bench.run(settle)

    bob = bench.worker("bob", lanes("B"), queue="mail")
    assert [job.id for job in bob.take(1_200)] == [child.id for child in children]


def test_a_delay_runs_from_the_success(bench: Bench, store: WalkedStore) -> None:
    """B8, B41: however late the child arrives."""
    settle, [child] = a_settlement(bench, "mail", delay=60 * SECOND)
    store.trips_left = 1
    with pytest.raises(Died):
        bench.run(settle)
    store.trips_left = None
    bench.advance(10 * SECOND)

    bench.worker("bob").claim()

    stored = bench.get(child.id, queue="mail")
    assert stored.run_at == START + 60 * SECOND
    assert stored.enqueued_at == START + 10 * SECOND


def test_a_unique_key_is_looked_at_where_the_child_arrives(bench: Bench) -> None:
    """B21, B40: two children with one key are one job there."""
    settle, children = a_settlement(bench, "mail", "mail", unique=UniqueKey(key="k"))

    bench.run(settle)

    assert where_they_are(bench, children) == [1, 0, 0]


def test_a_node_that_is_away_does_not_hold_up_the_others(
    bench: Bench, store: WalkedStore, redis_cluster: RedisCluster
) -> None:
    """B12, B41: its children wait in the outbox; a later claim brings them."""
    settle, children = a_settlement(bench, *TARGETS)
    route = store.dispatcher.run_many([settle], bench.now)
    nodes = [
        redis_cluster.master_of(slot_of(queue_prefix(store.dispatcher.namespace, queue)))
        for queue in TARGETS
    ]

    results = walk_without_mail(store, route)
    before = where_they_are(bench, children)
    bench.worker("bob").claim()
    resting = where_they_are(bench, children)
    later = WalkedStore(store.dispatcher.router.address, namespace=store.dispatcher.namespace)
    Bench(later).worker("cat").claim()
    later.close()

    assert results[0][0].state is JobState.SUCCEEDED
    assert before == resting == [int(node is not nodes[0]) for node in nodes]
    assert where_they_are(bench, children) == [1, 1, 1]


def walk_without_mail(store: WalkedStore, route: Route[Any]) -> Any:
    """Walk a route on which the node of the queue "mail" cannot be asked about that queue."""
    prefix = f"{{{store.dispatcher.namespace}:mail".encode()
    error = BackendUnavailable("away", stored="unknown")
    try:
        trip = next(route)
        while True:
            cut = {
                host: words
                for host, words in trip.items()
                if any(_keys(each).startswith(prefix) for each in words)
            }
            answers = dict(store.exchange({h: w for h, w in trip.items() if h not in cut}))
            trip = route.send({**answers, **dict.fromkeys(cut, error)})
    except StopIteration as end:
        return end.value


def _keys(words: tuple[Any, ...]) -> bytes:
    is_script = words[0] in (b"EVAL", b"EVALSHA")
    key = words[3] if is_script else words[-1]
    return key.encode() if isinstance(key, str) else b""


def test_nothing_is_left_once_all_have_arrived(bench: Bench, store: WalkedStore) -> None:
    """B54: but for one number a pair of queues."""
    for _ in range(3):
        settle, _ = a_settlement(bench, *TARGETS)
        bench.run(settle)

    at_home = store.ask(QUEUE, [("KEYS", "*outbox*"), ("HKEYS", control(store, QUEUE))])
    away = store.ask("mail", [("HKEYS", control(store, "mail"))])

    ours = [key for key in at_home[0] if store.dispatcher.namespace.encode() in key]
    assert ours == []
    assert b"out" in at_home[1]
    assert [field for field in away[0] if field.startswith(b"from:")] == [b"from:q"]


def control(store: WalkedStore, queue: str) -> str:
    return f"{queue_prefix(store.dispatcher.namespace, queue)}control"


def test_numbers_go_on_above_what_a_failover_forgot(bench: Bench, store: WalkedStore) -> None:
    """B41: a queue that lost the last numbers it gave must not give them again."""
    first, _ = a_settlement(bench, "mail")
    bench.run(first)
    store.ask(QUEUE, [("HDEL", control(store, QUEUE), "out")])
    bench.advance(SECOND)

    second, children = a_settlement(bench, "mail")
    bench.run(second)

    assert where_they_are(bench, children) == [2, 0, 0]


def test_the_audit_sees_an_outbox_that_is_out_of_order(bench: Bench, store: WalkedStore) -> None:
    """B41: numbers that do not grow, and an outbox that is listed without anything in it."""
    settle, _ = a_settlement(bench, "mail", "mail")
    store.trips_left = 1
    with pytest.raises(Died):
        bench.run(settle)
    store.trips_left = None
    whole = store.audit(QUEUE)
    box = f"{queue_prefix(store.dispatcher.namespace, QUEUE)}outbox:mail"
    [[first, _]] = store.ask(QUEUE, [("LRANGE", box, 0, -1)])

    store.ask(QUEUE, [("RPUSH", box, first)])
    [twice] = store.audit(QUEUE)
    store.ask(QUEUE, [("DEL", box)])
    [empty] = store.audit(QUEUE)
    store.ask(QUEUE, [("DEL", box.replace("outbox:mail", "outboxes"))])

    assert whole == []
    assert twice.startswith("the outbox for mail has the numbers")
    assert empty == "the outbox for mail is listed and empty"


def test_a_usual_cycle_is_one_trip(bench: Bench, store: WalkedStore) -> None:
    """B11: settle and claim over queues on three nodes, each node asked once."""
    workers = [bench.worker("ann", queue=queue) for queue in (QUEUE, *TARGETS)]
    for worker in workers:
        bench.push(a_job(queue=worker.queue), a_job(queue=worker.queue))
    taken = [worker.take_one() for worker in workers]
    cycle: list[Operation[Any]] = [
        each
        for worker, job in zip(workers, taken, strict=True)
        for each in (worker.settling(succeed(job)), worker.claiming())
    ]
    store.trips = 0

    results = store.run_many(cycle, now=bench.now)

    assert store.trips == 1
    assert [len(claimed.jobs) for claimed in results[1::2]] == [1] * 4
