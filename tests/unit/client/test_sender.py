from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, TypeVar, cast

import pytest

from jobkit.client.sender import AsyncSender, Sender
from jobkit.errors import BackendUnavailable
from jobkit.store import Answer, AsyncStore, Here, Operation, Queues, Store

R = TypeVar("R")
Stored = Literal["no", "unknown"]


def away(stored: Stored = "no", *, passing: bool = True) -> BackendUnavailable:
    return BackendUnavailable(f"away, stored {stored}", stored=stored, passing=passing)


class Line:
    """A store that fails in this order and then answers; its time is moved by the pauses."""

    def __init__(self, *failures: BackendUnavailable, takes: float = 0.0) -> None:
        self.failures = list(failures)
        self.takes = takes
        self.pauses: list[float] = []
        self.calls = 0
        self.time = 100.0

    def run(self, operation: Operation[Any], /, *, now: int | None = None) -> Any:
        self.calls += 1
        self.time += self.takes
        if self.failures:
            raise self.failures.pop(0)
        return ("answer", now)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds


class SendingLine(Line):
    """The same, and it can send without waiting; it fails when `fails_at` says."""

    def __init__(self, line: Line, fails_at: str) -> None:
        super().__init__()
        self.__dict__ = line.__dict__
        self._is_early = fails_at == "begin"

    def begin(self, operations: Sequence[Operation[Any]], /, *, now: int | None = None) -> Answer:
        call = partial(self.run, operations[0], now=now)
        return Later(partial(Here([call()]).wait) if self._is_early else lambda: [call()])


class Later:
    """An answer that is worked out when somebody waits for it."""

    def __init__(self, wait: Callable[[], list[Any]]) -> None:
        self._wait = wait

    def wait(self, *, awake: bool = False) -> list[Any]:
        return self._wait()


class AsyncLine:
    """The same for coroutines."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def run(self, operation: Operation[Any], /, *, now: int | None = None) -> Any:
        return self._line.run(operation, now=now)


@pytest.fixture(params=["sync", "async", "sent, refused early", "sent, refused late"])
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def send(
    line: Line, how: str, monkeypatch: pytest.MonkeyPatch, *, timeout: float = 5.0
) -> tuple[str, int]:
    """Run an operation through a sender, in no time."""

    async def pause_async(seconds: float) -> None:
        line.pause(seconds)

    monkeypatch.setattr("jobkit.client.sender.pause", line.pause)
    sender = Sender(cast(Store, line), now=lambda: 7, timeout=timeout, monotonic=lambda: line.time)
    if how == "sync":
        return cast("tuple[str, int]", sender(Queues()))
    if how != "async":
        sender.store = cast(Store, SendingLine(line, "begin" if "early" in how else "wait"))
        return cast("tuple[str, int]", sender.ready(Queues())()())
    async_sender = AsyncSender(cast(AsyncStore, AsyncLine(line)), sender)

    async def main() -> Any:
        with monkeypatch.context() as patch:
            patch.setattr("jobkit.client.sender.asyncio.sleep", pause_async)
            return await async_sender(Queues())

    return cast("tuple[str, int]", asyncio.run(main()))


def refusal(
    line: Line, how: str, monkeypatch: pytest.MonkeyPatch, *, timeout: float = 5.0
) -> BackendUnavailable:
    with pytest.raises(BackendUnavailable) as refused:
        send(line, how, monkeypatch, timeout=timeout)
    return refused.value


def test_an_answer_comes_at_once(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()

    assert send(line, how, monkeypatch) == ("answer", 7)
    assert (line.calls, line.pauses) == (1, [])


def test_what_passes_is_tried_again(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """B39"""
    line = Line(away(), away("unknown"), away())

    assert send(line, how, monkeypatch) == ("answer", 7)
    assert line.calls == 4


def test_pauses_grow_to_a_limit_and_are_spread(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """B39"""
    line = Line(*[away()] * 20)

    send(line, how, monkeypatch, timeout=60)

    expected: Sequence[float] = [min(0.02 * 2**n, 0.5) for n in range(20)]
    assert all(e / 2 <= p < e * 1.5 for e, p in zip(expected, line.pauses, strict=True))
    assert len(set(line.pauses)) == 20


def test_it_gives_up_within_its_time(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """B39"""
    line = Line(*[away()] * 1000)

    refused = refusal(line, how, monkeypatch, timeout=3)

    assert refused.stored == "no"
    assert 2 < line.time - 100 <= 3


def test_the_first_try_counts_as_well(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """B39: a Redis that does not answer has used up the time."""
    line = Line(*[away("unknown")] * 10, takes=5.0)

    refused = refusal(line, how, monkeypatch, timeout=5)

    assert refused.stored == "unknown"
    assert line.calls == 1


def test_no_time_is_one_try(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(away())

    refusal(line, how, monkeypatch, timeout=0)

    assert line.calls == 1


def test_what_does_not_pass_is_told_at_once(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """B39"""
    line = Line(away(passing=False))

    refused = refusal(line, how, monkeypatch)

    assert (line.calls, line.pauses, refused.stored) == (1, [], "no")


def test_a_doubt_is_not_forgotten(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """B39: the try whose reply was lost may have been stored, whatever the last one says."""
    line = Line(away("unknown"), away("no"), away("no", passing=False))

    assert refusal(line, how, monkeypatch).stored == "unknown"


@pytest.mark.parametrize(("meanwhile", "calls"), [(20.0, 2), (60.0, 1)])
def test_what_is_done_before_the_wait_takes_no_time_off(
    meanwhile: float, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B6, B39: unless a repetition would be too late to be recognised."""
    line = Line(away("unknown"))
    monkeypatch.setattr("jobkit.client.sender.pause", line.pause)
    store = cast(Store, SendingLine(line, "wait"))
    sender = Sender(store, now=lambda: 7, timeout=5, monotonic=lambda: line.time)

    wait = sender.ready(Queues())()
    line.time += meanwhile
    outcome: Any
    try:
        outcome = wait()
    except BackendUnavailable as error:
        outcome = error.stored

    assert outcome == {2: ("answer", 7), 1: "unknown"}[calls]
    assert line.calls == calls
