from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from redis.exceptions import ResponseError

from jobkit.clock import SystemClock
from jobkit.errors import BackendUnavailable
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.keys import hint_key
from jobkit.redis.store import RedisStore
from jobkit.redis.waiter import RedisWaiter
from jobkit.store import Count, QueueCounts
from tests.e2e.waiting import eventually
from tests.servers import RedisServer, find_servers

LONG = 30.0  # seconds
SHORT = 0.02
AT_ONCE = 3.0  # it takes milliseconds, on a machine that is not busy


class Waiting:
    """A wait in a thread of its own."""

    def __init__(self, waiter: RedisWaiter, *queues: str) -> None:
        self._waiter, self._queues = waiter, queues
        self.hinted: bool | None = None
        self._clock = SystemClock()
        self._start = self._clock.monotonic()
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()

    def _wait(self) -> None:
        self.hinted = self._waiter.wait(self._queues, LONG)

    def end(self) -> float:
        """Wait for the end of the wait, and return how long it took in all."""
        self._thread.join(AT_ONCE)
        return self._clock.monotonic() - self._start


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Start a server of this test's own."""
    with RedisServer(find_servers()[-1]) as running:
        yield running


@pytest.fixture
def waiter(server: RedisServer, namespace: str) -> Iterator[RedisWaiter]:
    """Wait on the hints of one worker."""
    made = RedisWaiter(address_of(server.url), namespace, "ann")
    yield made
    made.close()


def blocked(server: RedisServer) -> None:
    """Wait until somebody is blocked on a list."""
    clock = SystemClock()
    end = clock.monotonic() + AT_ONCE
    while "blocked_clients:1" not in server.ask("INFO clients"):
        assert clock.monotonic() < end


def test_a_hint_in_any_of_its_queues_ends_a_wait(
    server: RedisServer, waiter: RedisWaiter, namespace: str
) -> None:
    """B13"""
    for queue in ("a", "b"):
        waiting = Waiting(waiter, "a", "b")
        blocked(server)
        server.ask(f'RPUSH "{hint_key(namespace, queue, "ann")}" 1')

        assert waiting.end() < AT_ONCE
        assert waiting.hinted is True


def test_a_wait_without_a_hint_ends_by_itself(waiter: RedisWaiter) -> None:
    assert waiter.wait(["a"], SHORT) is False
    assert waiter.wait(["a"], 0) is False


def test_a_connection_that_was_cut_between_two_waits_is_replaced(
    server: RedisServer, waiter: RedisWaiter
) -> None:
    """B39: a worker that was busy for long hears of the next job all the same."""
    waiter.wait(["a"], SHORT)
    server.ask("CLIENT KILL TYPE normal SKIPME yes")
    eventually(lambda: server.ask("CLIENT LIST TYPE normal").count(" addr=") == 1)

    assert waiter.wait(["a"], SHORT) is False


def test_a_hint_of_another_worker_is_not_ours(
    server: RedisServer, waiter: RedisWaiter, namespace: str
) -> None:
    server.ask(f'RPUSH "{hint_key(namespace, "a", "bob")}" 1')

    assert waiter.wait(["a"], SHORT) is False


@pytest.mark.parametrize("trouble", ["none", "maxmemory 1", "maxclients 1"])
def test_a_wait_can_be_ended_whatever_redis_does(
    server: RedisServer, waiter: RedisWaiter, trouble: str
) -> None:
    """B39, B52: a shutdown waits for it."""
    waiting = Waiting(waiter, "a")
    blocked(server)
    if trouble != "none":
        server.ask(f"CONFIG SET {trouble}")

    waiter.wake()

    assert waiting.end() < AT_ONCE
    assert waiting.hinted is True


def test_a_wake_leaves_no_key(server: RedisServer, waiter: RedisWaiter) -> None:
    waiting = Waiting(waiter, "a")
    blocked(server)

    waiter.wake()
    waiting.end()

    assert server.ask("DBSIZE").startswith(":0")


def test_a_wake_before_the_wait_ends_it(waiter: RedisWaiter) -> None:
    waiter.wake()

    assert Waiting(waiter, "a").end() < AT_ONCE
    assert waiter.wait(["a"], SHORT) is False


def test_after_a_wake_it_waits_again(
    server: RedisServer, waiter: RedisWaiter, namespace: str
) -> None:
    waiting = Waiting(waiter, "a")
    blocked(server)
    waiter.wake()
    waiting.end()

    again = Waiting(waiter, "a")
    blocked(server)
    server.ask(f'RPUSH "{hint_key(namespace, "a", "ann")}" 1')

    assert again.end() < AT_ONCE
    assert again.hinted is True


def test_a_redis_that_goes_away_is_told(server: RedisServer, waiter: RedisWaiter) -> None:
    """B39"""
    assert waiter.wait(["a"], SHORT) is False
    server.kill()

    with pytest.raises(BackendUnavailable):
        waiter.wait(["a"], SHORT)
    server.restart()

    assert waiter.wait(["a"], SHORT) is False


def test_what_stands_behind_a_wait_is_carried_out_with_the_hint(
    server: RedisServer, waiter: RedisWaiter, namespace: str
) -> None:
    """B13: not before, and its replies come with the hint."""
    words = [("INCR", "counted"), ("GET", "counted"), ("LPUSH", "counted", "x")]
    answers: list[list[object] | None] = []
    thread = threading.Thread(
        target=lambda: answers.append(waiter.wait_with(["a"], LONG, list(words))), daemon=True
    )
    thread.start()
    blocked(server)
    assert ":0" in server.ask("EXISTS counted")

    server.ask(f"RPUSH {hint_key(namespace, 'a', 'ann')} 1")
    thread.join(AT_ONCE)

    [replies] = answers
    assert replies is not None
    assert replies[:2] == [1, b"1"]
    assert isinstance(replies[2], ResponseError)  # an error stands in its place


def test_what_stands_behind_a_wait_is_carried_out_when_time_runs_out(waiter: RedisWaiter) -> None:
    """B13"""
    assert waiter.wait_with(["a"], SHORT, [("INCR", "counted")]) == [1]
    assert waiter.wait_with(["a"], SHORT, [("INCR", "counted")]) == [2]


def test_a_wake_leaves_undone_what_stands_behind_the_wait(
    server: RedisServer, waiter: RedisWaiter
) -> None:
    """B52"""
    waiter.wake()

    assert waiter.wait_with(["a"], LONG, [("INCR", "counted")]) is None
    assert ":0" in server.ask("EXISTS counted")


def test_a_script_that_the_server_has_forgotten_is_asked_for_again(
    server: RedisServer, namespace: str
) -> None:
    """B13: as after a restart or SCRIPT FLUSH."""
    store = RedisStore(Connections(address_of(server.url)), namespace=namespace)
    patient = store.patient_waiter("ann")
    count = Count(queue="a")
    assert store.run(count).queued == {}
    server.ask("SCRIPT FLUSH")

    results = patient.wait_and_run(["a"], SHORT, [count])

    assert [type(each) for each in results or []] == [QueueCounts]
    patient.close()
    store.close()
