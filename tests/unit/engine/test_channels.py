from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import pytest

from jobkit.engine.channels import Channels
from jobkit.memory.store import MemoryStore
from jobkit.store import Operation, Push
from jobkit_testing import TestingJobs

R = TypeVar("R")


@dataclass(frozen=True)
class Note:
    n: int


class Failing(MemoryStore):
    """Fails at the first push, nobody knows whether before or after it."""

    def __init__(self) -> None:
        super().__init__()
        self.pushes: list[Push] = []

    def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        asked: object = operation
        if isinstance(asked, Push):
            self.pushes.append(asked)
            if len(self.pushes) == 1:
                raise LookupError
        return super().run(operation, now=now)


def test_a_channel_counts_its_requests_up() -> None:
    """B6"""
    channels = Channels()
    found: list[tuple[str, int]] = []
    for _ in range(3):
        lent = channels.borrow()
        found.append((lent.name, lent.request))
        channels.give_back(lent)

    assert len({name for name, _ in found}) == 1
    assert [request for _, request in found] == [1, 2, 3]


def test_pushes_at_the_same_time_have_channels_of_their_own() -> None:
    """B6"""
    channels = Channels()

    first, second = channels.borrow(), channels.borrow()
    assert first.name != second.name
    channels.give_back(first)
    again, another = channels.borrow(), channels.borrow()

    assert (again.name, again.request) == (first.name, 2)
    assert len({second.name, again.name, another.name}) == 3


def test_a_request_that_failed_is_not_used_again() -> None:
    """B6: it may have been carried out. Its channel is."""
    store = Failing()
    jobs = TestingJobs(store=store)
    with pytest.raises(LookupError):
        jobs.enqueue(Note(1))

    jobs.enqueue(Note(2))

    failed, stored = store.pushes
    assert (stored.channel, stored.request) == (failed.channel, failed.request + 1)


def test_two_clients_never_share_a_channel() -> None:
    """B6"""
    assert Channels().borrow().name != Channels().borrow().name
