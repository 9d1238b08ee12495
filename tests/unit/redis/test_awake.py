"""Waiting awake: for a moment, and where it has paid."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest

from jobkit.clock import SystemClock
from jobkit.redis import awake
from jobkit.redis.awake import RAREST, Awake

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Return two ends of one line."""
    ends = socket.socketpair()
    yield ends
    for end in ends:
        end.close()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Count how often the processor is left to others."""
    counted: list[None] = []
    monkeypatch.setattr("os.sched_yield", lambda: counted.append(None))
    return counted


def test_what_is_there_is_seen_at_once(pair: Pair, looks: list[None]) -> None:
    pair[1].send(b"x")

    Awake().wait(pair[0])

    assert looks == []


def test_what_comes_while_it_looks_is_seen(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awake, "MOMENT", 60.0)
    writer = threading.Thread(target=pair[1].send, args=(b"x",))

    def let_write() -> None:
        if writer.ident is None:
            writer.start()

    monkeypatch.setattr("os.sched_yield", let_write)

    Awake().wait(pair[0])

    assert pair[0].recv(1) == b"x"
    writer.join()


def test_it_looks_for_a_moment_only(pair: Pair, looks: list[None]) -> None:
    clock = SystemClock()
    start = clock.monotonic()

    Awake().wait(pair[0])

    assert looks
    assert clock.monotonic() - start >= awake.MOMENT


def test_where_it_is_in_vain_it_is_tried_ever_more_rarely(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = Never()
    monkeypatch.setattr("select.poll", lambda: never)
    tried: list[int] = []
    waiting = Awake(0.0)
    for number in range(300):
        before = never.looks
        waiting.wait(pair[0])
        if never.looks > before:
            tried.append(number)

    gaps = [later - earlier for earlier, later in pairwise(tried)]
    assert gaps[:6] == [2, 4, 8, 16, 32, 64]
    assert set(gaps[6:]) == {RAREST + 1}


class Never:
    """A poll that sees nothing, and counts how often it was asked."""

    def __init__(self) -> None:
        self.looks = 0

    def register(self, link: socket.socket, events: int) -> None:
        """Do nothing."""

    def poll(self, timeout: int) -> list[tuple[int, int]]:
        """See nothing."""
        self.looks += 1
        return []


def test_where_it_pays_it_is_tried_each_time(pair: Pair, looks: list[None]) -> None:
    waiting = Awake()
    waiting.wait(pair[0])  # in vain
    waiting.wait(pair[0])  # slept through
    pair[1].send(b"x")
    waiting.wait(pair[0])
    assert pair[0].recv(1) == b"x"
    before = len(looks)

    waiting.wait(pair[0])

    assert len(looks) > before


def test_a_line_that_is_cut_is_left_to_who_reads(pair: Pair) -> None:
    pair[1].close()

    Awake().wait(pair[0])

    assert pair[0].recv(1) == b""


def test_what_has_no_socket_is_not_looked_at(looks: list[None]) -> None:
    Awake().wait(None)

    assert looks == []
