"""Coroutines that share round trips: each has its own replies, error and cancellation."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest
import redis.exceptions as rx

from jobkit.errors import BackendUnavailable
from jobkit.redis.aioflights import FLIGHTS, LONGEST_WAIT, LUGGAGE, SEATS
from tests.unit.redis.flights import Server, ask, ask_all, names, run, turns


def test_few_callers_each_have_a_trip_of_their_own() -> None:
    async def main() -> None:
        server = Server()
        asked = ask_all(server.flights(), *names(FLIGHTS))
        await turns()
        server.open.set()

        assert await asyncio.gather(*asked) == [[name.encode()] for name in names(FLIGHTS)]
        assert [len(trip) for trip in server.trips] == [1] * FLIGHTS

    run(main())


def test_many_callers_share_trips_and_each_gets_its_own_replies() -> None:
    async def main() -> None:
        server, number = Server(), FLIGHTS + 3 * SEATS
        flights = server.flights()
        asked = ask_all(flights, *names(number))
        both = asyncio.ensure_future(ask(flights, "a", "b"))
        await turns()
        server.open.set()

        assert await asyncio.gather(*asked) == [[name.encode()] for name in names(number)]
        assert await both == [b"a", b"b"]
        assert [len(trip) for trip in server.trips[FLIGHTS:]] == [SEATS, SEATS, SEATS, 2]
        assert len(server.wires) <= FLIGHTS

    run(main())


def test_who_comes_alone_later_waits_for_nobody() -> None:
    async def main() -> None:
        server = Server()
        server.open.set()
        flights = server.flights()
        await asyncio.gather(*ask_all(flights, *names(40)))
        before = len(server.trips)

        assert [await ask(flights, name) for name in ("x", "y")] == [[b"x"], [b"y"]]
        assert server.trips[before:] == [[b"x"], [b"y"]]

    run(main())


def test_an_error_reply_is_one_callers_own() -> None:
    async def main() -> None:
        server = Server()
        asked = ask_all(server.flights(), *names(FLIGHTS), "a", "wrong", "b")
        await turns()
        server.open.set()
        *_, one, other, third = await asyncio.gather(*asked)

        assert (one, third) == ([b"a"], [b"b"])
        assert isinstance(other[0], rx.ResponseError)
        assert server.losses == 0

    run(main())


def test_a_caller_that_is_cancelled_before_its_trip_sends_nothing() -> None:
    async def main() -> None:
        server = Server()
        *first, gone, there = ask_all(server.flights(), *names(FLIGHTS), "gone", "there")
        await turns()
        gone.cancel()
        server.open.set()

        assert await there == [b"there"]
        with pytest.raises(asyncio.CancelledError):
            await gone
        await asyncio.gather(*first)
        assert [trip for trip in server.trips if b"gone" in trip] == []

    run(main())


def test_a_caller_that_is_cancelled_on_its_trip_takes_nobody_down() -> None:
    async def main() -> None:
        server = Server()
        flights = server.flights()
        *first, gone, there = ask_all(flights, *names(FLIGHTS), "gone", "there")
        await turns()
        server.open.set()
        while [b"gone", b"there"] not in server.trips:
            await asyncio.sleep(0)
            if len(server.trips) == FLIGHTS and first[0].done():
                server.open.clear()  # the trip of the two is sent, and not answered
        assert gone.cancel()
        await turns()
        server.open.set()

        assert await there == [b"there"]
        with pytest.raises(asyncio.CancelledError):
            await gone
        await asyncio.gather(*first)
        assert await ask(flights, "later") == [b"later"]
        assert server.losses == 0

    run(main())


def test_a_caller_cancelled_on_a_trip_of_its_own_lets_the_next_go_on() -> None:
    async def main() -> None:
        server = Server()
        *first, there = ask_all(server.flights(), *names(FLIGHTS), "there")
        await turns()
        for each in first:
            each.cancel()
        await turns()
        server.open.set()

        assert await there == [b"there"]
        assert all(each.cancelled() for each in first)
        # Their replies are unread: nobody may get them.
        assert [wire.is_connected for wire in server.wires] == [False] * FLIGHTS + [True]

    run(main())


def test_a_cut_is_told_to_each_and_only_what_was_sent_is_unknown() -> None:
    """B39"""

    async def main() -> None:
        server = Server()
        flights = server.flights()
        asked = ask_all(flights, "cut", *names(FLIGHTS - 1), *names(2 * SEATS, first=100))
        await turns()
        server.open.set()
        ends: list[Any] = await asyncio.gather(*asked, return_exceptions=True)
        errors = [end for end in ends if isinstance(end, BackendUnavailable)]

        assert ends[0] is errors[0]
        assert errors[0].stored == "unknown"
        assert errors[1:]
        assert {error.stored for error in errors[1:]} == {"no"}
        assert len(set(map(id, errors))) == len(errors)
        sent = {word.decode() for trip in server.trips for word in trip}
        turned_away = [n for n, end in enumerate(ends[FLIGHTS:], 100) if end in errors]
        assert sent.isdisjoint(map(str, turned_away))
        assert server.losses == 1
        assert await ask(flights, "later") == [b"later"]

    run(main())


def test_a_cut_of_a_shared_trip_is_told_to_each_of_its_callers() -> None:
    """B39"""

    async def main() -> None:
        server = Server()
        asked = ask_all(server.flights(), *names(FLIGHTS), "a", "cut", "b")
        await turns()
        server.open.set()
        *first, one, other, third = await asyncio.gather(*asked, return_exceptions=True)

        assert [len(each) for each in first if isinstance(each, list)] == [1] * FLIGHTS
        told = [each for each in (one, other, third) if isinstance(each, BackendUnavailable)]
        assert [each.stored for each in told] == ["unknown"] * 3
        assert len(set(map(id, told))) == 3

    run(main())


def test_a_refusal_that_ends_a_shared_trip_hides_not_that_others_were_answered() -> None:
    """B39"""

    async def main() -> None:
        server = Server()
        asked = ask_all(server.flights(), *names(FLIGHTS), "a", "loading", "b")
        await turns()
        server.open.set()
        ends = (await asyncio.gather(*asked, return_exceptions=True))[FLIGHTS:]
        told = [each for each in ends if isinstance(each, BackendUnavailable)]
        assert [each.stored for each in told] == ["unknown"] * 3

        with pytest.raises(BackendUnavailable, match="LOADING") as raised:
            await ask(server.flights(), "loading")
        assert raised.value.stored == "no"

    run(main())


def test_nobody_waits_in_line_for_a_server_that_is_away() -> None:
    """B39: each has its own time to try."""

    async def main() -> None:
        server = Server(is_away=True)
        asked = ask_all(server.flights(), *names(FLIGHTS + 10 * SEATS))
        await turns()
        server.open.set()
        ends = await asyncio.gather(*asked, return_exceptions=True)

        assert {each.stored for each in ends if isinstance(each, BackendUnavailable)} == {"no"}
        assert [each for each in ends if not isinstance(each, BackendUnavailable)] == []
        assert len(server.wires) <= 2 * FLIGHTS

    run(main())


def test_what_is_heavy_flies_alone() -> None:
    async def main() -> None:
        server, heavy = Server(), "x" * LUGGAGE
        asked = ask_all(server.flights(), *names(FLIGHTS), "a", heavy, "b", "c")
        await turns()
        server.open.set()
        await asyncio.gather(*asked)

        assert server.trips[FLIGHTS:] == [[b"a"], [heavy.encode()], [b"b", b"c"]]

    run(main())


@pytest.mark.parametrize(("reply_timeout", "longest"), [(60.0, LONGEST_WAIT), (1.0, 1.0)])
def test_who_waited_too_long_is_turned_away(reply_timeout: float, longest: float) -> None:
    """B6, B39: late, it may not be recognised as a repetition, or nobody waits for it any more."""

    async def main() -> None:
        server = Server(reply_timeout=reply_timeout)
        flights = server.flights()
        *first, late = ask_all(flights, *names(FLIGHTS), "late")
        await turns()
        loop = asyncio.get_running_loop()
        now = loop.time()
        loop.time = lambda: now + longest + 0.5  # type: ignore[method-assign]
        soon = asyncio.ensure_future(ask(flights, "soon"))
        await turns()
        server.open.set()

        with pytest.raises(BackendUnavailable, match="too slowly") as raised:
            await late
        assert raised.value.stored == "no"
        assert await soon == [b"soon"]
        await asyncio.gather(*first)

    run(main())


def test_a_trip_without_an_answer_ends_in_time() -> None:
    """B39: of many commands as of one."""

    async def main() -> None:
        server = Server(reply_timeout=0.02)
        flights = server.flights()
        server.open.set()
        await ask(flights, "first")  # connects
        server.open.clear()

        with pytest.raises(BackendUnavailable, match="no reply in time") as raised:
            await ask(flights, "a", "b")
        assert raised.value.stored == "unknown"
        server.open.set()
        assert await ask(flights, "later") == [b"later"]
        assert [wire.is_connected for wire in server.wires].count(True) == 1

    run(main())


def test_who_shared_a_trip_that_was_cancelled_may_try_again() -> None:
    async def main() -> None:
        server = Server()
        flights = server.flights()
        *first, a, b = ask_all(flights, *names(FLIGHTS), "a", "b")
        await turns()
        server.open.set()
        while [b"a", b"b"] not in server.trips:
            await asyncio.sleep(0)
            if first[0].done():
                server.open.clear()
        mine = {asyncio.current_task(), *first, a, b}
        others = asyncio.all_tasks() - mine
        assert [task.cancel() for task in others] == [True]
        server.open.set()

        ends: Any = await asyncio.gather(a, b, return_exceptions=True)
        assert [end.stored for end in ends] == ["unknown", "unknown"]
        assert await ask(flights, "later") == [b"later"]

    run(main())


def test_trips_that_are_cancelled_before_they_begin_hold_up_nobody() -> None:
    async def main() -> None:
        server = Server()
        flights = server.flights()
        asked = ask_all(flights, *names(FLIGHTS + 2 * SEATS))
        await turns()
        server.open.set()
        mine = {asyncio.current_task(), *asked}
        while not (others := asyncio.all_tasks() - mine):
            await turns(1)
        assert [task.cancel() for task in others] == [True] * FLIGHTS

        async with asyncio.timeout(5):
            assert await asyncio.gather(*asked) == [[n.encode()] for n in names(len(asked))]
            assert await ask(flights, "later") == [b"later"]

    run(main())


def test_callers_that_failed_leave_nothing_behind() -> None:
    async def main() -> list[weakref.ref[BackendUnavailable]]:
        server = Server()
        asked = ask_all(server.flights(), "cut", *names(FLIGHTS + 2 * SEATS))
        await turns()
        server.open.set()
        ends = await asyncio.gather(*asked, return_exceptions=True)
        return [weakref.ref(each) for each in ends if isinstance(each, BackendUnavailable)]

    errors = run(main())
    gc.collect()

    assert len(errors) > 1
    assert [error() for error in errors if error() is not None] == []
