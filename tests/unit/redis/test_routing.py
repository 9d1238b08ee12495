"""Which node gets which command: by hand, without any node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import redis.exceptions as rx

from jobkit.errors import BackendUnavailable
from jobkit.redis.cluster.address import ClusterAddress, cluster_address_of
from jobkit.redis.cluster.routing import Answers, Plain, Route, Router, Trip
from jobkit.redis.cluster.slots import slot_of
from jobkit.redis.commands import command
from jobkit.redis.hosts import Host
from jobkit.store import Count

A: Host = ("10.0.0.1", 7001)
B: Host = ("10.0.0.2", 7002)
C: Host = ("10.0.0.3", 7003)
MIDDLE = 8192
LOW, HIGH = "b", "a"  # keys below and above the middle
HALVES = [[0, MIDDLE - 1, [b"10.0.0.1", 7001]], [MIDDLE, 16383, [b"10.0.0.2", 7002]]]
AWAY = BackendUnavailable("connection refused", stored="unknown")

Node = Callable[[tuple[Any, ...]], Any]


def a_router(clock: Sequence[float] = (0.0,)) -> Router:
    address = cluster_address_of("redis+cluster://10.0.0.1:7001,10.0.0.2:7002", reply_timeout=5)
    assert isinstance(address, ClusterAddress)
    return Router(address, monotonic=lambda: clock[0])


class Nodes:
    """Answers trips: the slot map with `slots`, other commands with what was told."""

    def __init__(self) -> None:
        self.slots: Any = HALVES
        self.away: set[Host] = set()
        self.answers: dict[Host, list[Any]] = {}
        self.trips: list[Trip] = []
        self.asked_for_slots: list[Host] = []

    def carry_out(self, route: Route[list[Any]]) -> list[Any]:
        """Do as a store does."""
        try:
            trip = next(route)
            while True:
                trip = route.send(self._answers(trip))
        except StopIteration as end:
            replies: list[Any] = end.value
            return replies

    def _answers(self, trip: Trip) -> Answers:
        if any(words == [(b"CLUSTER", b"SLOTS")] for words in trip.values()):
            [host] = trip
            self.asked_for_slots.append(host)
            return {host: AWAY if host in self.away else [self.slots]}
        self.trips.append(trip)
        return {host: self._answer(host, words) for host, words in trip.items()}

    def _answer(self, host: Host, words: list[tuple[Any, ...]]) -> list[Any] | BackendUnavailable:
        if host in self.away:
            return AWAY
        told = self.answers.get(host, [])
        return [told.pop(0) if told else (host[1], *word) for word in words]


@pytest.fixture
def nodes() -> Nodes:
    """Give two nodes that share the slots."""
    assert slot_of(LOW) < MIDDLE <= slot_of(HIGH)
    return Nodes()


def get(key: str) -> Plain:
    return Plain(key, ("GET", key))


def test_each_node_gets_its_commands_in_one_trip(nodes: Nodes) -> None:
    """B11: whatever their order, and replies are in the order of the commands."""
    router = a_router()

    replies = nodes.carry_out(router.replies([get(HIGH), get(LOW), get(HIGH)]))

    assert [reply[0] for reply in replies] == [7002, 7001, 7002]
    assert nodes.trips == [{B: [("GET", HIGH)] * 2, A: [("GET", LOW)]}]


def test_the_slots_are_asked_for_once(nodes: Nodes) -> None:
    router = a_router()

    nodes.carry_out(router.replies([get(LOW)]))
    nodes.carry_out(router.replies([get(HIGH)]))

    assert len(nodes.asked_for_slots) == 1


def test_any_node_may_tell_the_slots(nodes: Nodes) -> None:
    """B39"""
    nodes.away = {A}

    replies = nodes.carry_out(a_router().replies([get(HIGH)]))

    assert replies == [(7002, "GET", HIGH)]
    assert nodes.asked_for_slots[-1] == B


def test_a_cluster_of_which_no_node_answers_stored_nothing(nodes: Nodes) -> None:
    """B39"""
    nodes.away = {A, B}

    with pytest.raises(BackendUnavailable, match="refused") as caught:
        nodes.carry_out(a_router().replies([get(HIGH)]))

    assert caught.value.stored == "no"


def test_a_server_that_is_no_cluster_says_so(nodes: Nodes) -> None:
    """B57"""
    nodes.slots = rx.ResponseError("ERR This instance has cluster support disabled")

    with pytest.raises(BackendUnavailable, match="cluster support disabled"):
        nodes.carry_out(a_router().replies([get(HIGH)]))


def test_a_node_that_is_away_fails_its_own_commands_only(nodes: Nodes) -> None:
    """B12, B39: and the slots are asked for again before the next."""
    router = a_router()
    nodes.away = {B}

    low, high = nodes.carry_out(router.replies([get(LOW), get(HIGH)]))
    nodes.slots = [[0, 16383, [b"10.0.0.1", 7001]]]
    after = nodes.carry_out(router.replies([get(HIGH)]))

    assert low == (7001, "GET", LOW)
    assert high is AWAY
    assert after == [(7001, "GET", HIGH)]


def test_a_command_for_a_slot_that_has_moved_goes_there(nodes: Nodes) -> None:
    """B39: it was not carried out; those behind it keep their order."""
    router = a_router()
    nodes.carry_out(router.replies([get(LOW)]))
    moved = rx.MovedError(f"{slot_of(LOW)} 10.0.0.3:7003")
    nodes.answers[A] = [moved, moved]
    nodes.slots = [[0, 16383, [b"10.0.0.3", 7003]]]

    replies = nodes.carry_out(router.replies([Plain(LOW, ("SET", 1)), Plain(LOW, ("SET", 2))]))

    assert replies == [(7003, "SET", 1), (7003, "SET", 2)]


def test_a_slot_without_an_end_of_moving_is_given_up(nodes: Nodes) -> None:
    """B39: nothing was stored, and it may mend."""
    moved = rx.MovedError(f"{slot_of(LOW)} 10.0.0.1:7001")
    nodes.answers[A] = [moved] * 99

    [reply] = nodes.carry_out(a_router().replies([get(LOW)]))

    assert isinstance(reply, BackendUnavailable)
    assert (reply.stored, reply.passing) == ("no", True)


def test_a_command_is_never_sent_after_half_a_slot(nodes: Nodes) -> None:
    """B23: a script would see some of a queue's keys."""
    nodes.answers[A] = [rx.AskError(f"{slot_of(LOW)} 10.0.0.3:7003")]

    [reply] = nodes.carry_out(a_router().replies([get(LOW)]))

    assert isinstance(reply, BackendUnavailable)
    assert (reply.stored, reply.passing) == ("no", True)
    assert "stand still" in str(reply)
    assert [list(trip) for trip in nodes.trips] == [[A]]


def test_a_node_that_keeps_all_waiting_is_left_alone_for_a_while(nodes: Nodes) -> None:
    """B12, B39: it alone; three times as long as it took, and then it is asked again."""
    clock = [0.0]
    router = a_router(clock)
    nodes.carry_out(router.replies([get(LOW)]))
    clock[0] = 1.0
    router.silence.kept_waiting(B, since=0.0)

    low, high = nodes.carry_out(router.replies([get(LOW), get(HIGH)]))
    clock[0] = 4.0
    [after] = nodes.carry_out(router.replies([get(HIGH)]))

    assert low == (7001, "GET", LOW)
    assert isinstance(high, BackendUnavailable)
    assert (high.stored, high.passing) == ("no", True)
    assert after == (7002, "GET", HIGH)


def test_a_node_that_refuses_at_once_is_asked_each_time(nodes: Nodes) -> None:
    """B39: it may be back at any moment."""
    router = a_router([7.0])
    router.silence.kept_waiting(B, since=7.0)

    [high] = nodes.carry_out(router.replies([get(HIGH)]))

    assert high == (7002, "GET", HIGH)


def test_who_tells_the_slots_is_another_one_each_time(nodes: Nodes) -> None:
    """B39: a node that is cut off from the others does not know that it is."""
    router = a_router()
    for _ in range(2):
        router.lost(A)
        nodes.carry_out(router.replies([get(LOW)]))

    assert set(nodes.asked_for_slots) == {A, B}


def test_a_slot_that_nobody_serves_stored_nothing(nodes: Nodes) -> None:
    """B39"""
    nodes.slots = HALVES[:1]

    low, high = nodes.carry_out(a_router().replies([get(LOW), get(HIGH)]))

    assert low == (7001, "GET", LOW)
    assert isinstance(high, BackendUnavailable)
    assert (high.stored, high.passing) == ("no", True)


def test_a_script_goes_with_its_text_until_its_node_knows_it(nodes: Nodes) -> None:
    """B39: each node by itself, and again when it was flushed."""
    router = a_router()
    count = command(Count(queue="q"), namespace="n", now=None)
    [host] = [A if slot_of(count.keys[0]) < MIDDLE else B]
    nodes.answers[host] = [1, 2, rx.NoScriptError("NOSCRIPT"), 3]

    replies = [nodes.carry_out(router.replies([count]))[0] for _ in range(3)]

    assert replies == [1, 2, 3]
    words = [trip[host][0][0] for trip in nodes.trips]
    assert words == [b"EVAL", b"EVALSHA", b"EVALSHA", b"EVAL"]


@pytest.mark.parametrize(
    ("url", "nodes"),
    [
        ("redis+cluster://a:1,b", [("a", 1), ("b", 6379)]),
        ("redis+cluster://ann:secret@a:1,[::1]:2/0", [("a", 1), ("::1", 2)]),
        ("rediss+cluster://a?ssl_cert_reqs=none", [("a", 6379)]),
    ],
)
def test_a_url_names_some_nodes(url: str, nodes: list[Host]) -> None:
    address = cluster_address_of(url, reply_timeout=3)

    assert address is not None
    assert list(address.nodes) == nodes
    node = address.node(("c", 3))
    assert (node.arguments["host"], node.arguments["port"]) == ("c", 3)
    assert node.arguments["socket_timeout"] == 3
    assert ("SSL" in node.connection_class.__name__) == url.startswith("rediss")
    assert "secret" not in repr(address) + node.shown


def test_what_is_of_no_cluster_is_left_to_others() -> None:
    assert cluster_address_of("redis://a", reply_timeout=1) is None
    assert cluster_address_of(None, reply_timeout=1) is None
