from __future__ import annotations

from typing import Any

import pytest

from jobkit.errors import NotSupported
from jobkit.record import JobState
from jobkit.redis.command import Command, job_args, one_job_args
from jobkit.redis.commands import command
from jobkit.redis.scripts import script
from jobkit.redis.settlements import settlement_args
from jobkit.store import (
    Bury,
    Cancel,
    CheckIn,
    Claim,
    Count,
    Delete,
    EndCancelled,
    Failure,
    Get,
    Heartbeat,
    Lane,
    LaneSet,
    Lease,
    Leave,
    MarkTimedOut,
    NewJob,
    Operation,
    Page,
    Push,
    Queues,
    Release,
    Reschedule,
    RetryLater,
    SetPriority,
    Settle,
    Settlement,
    SnoozeFor,
    Statistics,
    Succeed,
    TakeOver,
    Workers,
)

MAIL = "{shop:mail.0}:"
LEASE = Lease(id="J1", fence=7)
LANES = LaneSet(key="set", lanes={"A": Lane(group="A"), "B": Lane(group="A", limit=3)})
FAILURE = Failure(outcome="failed", error_type="ValueError", message='"\n')


def a_job(job_id: str = "J1", queue: str = "mail") -> NewJob:
    return NewJob(id=job_id, queue=queue, type="A", payload=b"{}")


def a_command(operation: Operation[Any], now: int | None = None) -> Command:
    return command(operation, namespace="shop", now=now)


OF_ONE_QUEUE: list[Operation[Any]] = [
    Claim(queue="mail", worker="ann", version="", request=1, lanes=LANES, slots=1, lease=9),
    Heartbeat(queue="mail", worker="ann", lanes=LANES, lease=9, leases=(LEASE,)),
    Leave(queue="mail", worker="ann"),
    TakeOver(queue="mail", worker="ann"),
    MarkTimedOut(queue="mail", worker="ann", lease=LEASE),
    CheckIn(queue="mail", worker="ann", lease=LEASE, progress=b"{}"),
    Cancel(queue="mail", id="J1"),
    Delete(queue="mail", id="J1"),
    Reschedule(queue="mail", id="J1", of=frozenset(JobState)),
    SetPriority(queue="mail", id="J1", priority=3),
    Get(queue="mail", id="J1"),
    Page(queue="mail", state=JobState.DEAD),
    Count(queue="mail"),
    Workers(queue="mail"),
    Statistics(queue="mail", minutes=3),
    Push(jobs=(a_job(),), channel="c", request=1),
    Settle(queue="mail", worker="ann", version="", settlements=(Release(lease=LEASE),)),
]


@pytest.mark.parametrize("operation", OF_ONE_QUEUE, ids=lambda operation: type(operation).__name__)
def test_an_operation_names_its_queue_and_sends_plain_values(operation: Operation[Any]) -> None:
    """B54"""
    built = a_command(operation)

    assert built.keys == (MAIL,)
    assert built.script is not None
    assert {type(value) for value in built.args} <= {bytes, str, int}
    assert built.packed()[:3] == (b"EVALSHA", built.script.sha, 1)
    assert built.packed_with_text()[:3] == (b"EVAL", built.script.text, 1)
    assert built.packed()[3:] == built.packed_with_text()[3:] == (MAIL, *built.args)


@pytest.mark.parametrize("operation", OF_ONE_QUEUE, ids=lambda operation: type(operation).__name__)
def test_the_time_is_redis_own_unless_it_is_given(operation: Operation[Any]) -> None:
    theirs, given = a_command(operation), a_command(operation, now=1234)
    timeless = isinstance(operation, Leave | Delete | SetPriority)

    assert (theirs.args == given.args) is timeless
    assert timeless or (theirs.args[0], given.args[0]) == ("", 1234)


def test_a_push_names_each_queue_once_in_the_order_of_first_use() -> None:
    """B4"""
    jobs = (a_job("1", "b"), a_job("2", "a"), a_job("3", "b"))

    built = a_command(Push(jobs=jobs, channel="c", request=4))

    assert built.keys == ("{shop:b.0}:", "{shop:a.0}:")
    assert built.queues == ("b", "a")
    assert built.args[4:15] == (2, 1, "A", 0, "", "", 2, "A", 0, "", "")
    assert built.args[15::3] == (1, 2, 1)
    assert built.parse(0) == built.parse(1) == ("1", "2", "3")


def test_a_settlement_names_the_queues_of_its_children() -> None:
    """B41"""
    children = (a_job("2", "mail"), a_job("3", "other"))
    settle = Settle(
        queue="mail",
        worker="ann",
        version="",
        settlements=(Succeed(lease=LEASE, children=children),),
    )

    built = a_command(settle)

    assert built.keys == (MAIL, "{shop:other.0}:")
    assert built.queues == ("other",)


def test_what_jobs_have_in_common_is_sent_once() -> None:
    """B4"""
    jobs = [
        NewJob(id="1", queue="mail", type="A", payload=b"{}"),
        NewJob(id="2", queue="mail", type="A", payload=b"{}", delay=5),
        NewJob(id="3", queue="mail", type="A", payload=b"[]", metadata=b"{}"),
        NewJob(id="4", queue="mail", type="A", payload=b"{}", delay=5, retention=8),
        NewJob(id="5", queue="news", type="A", payload=b"{}", run_at=5, delay=7),
    ]

    assert job_args(jobs, {"mail": 1, "news": 2}) == [
        4,
        *(1, "A", 0, "", ""),
        *(1, "A", 0, "+5", ""),
        *(1, "A", 0, "+5", "R8"),
        *(2, "A", 0, 5, ""),
        *(1, "1", b"- 0 0\n{}"),
        *(2, "2", b"- 0 0\n{}"),
        *(1, "3", b"- 0 2\n{}[]"),
        *(3, "4", b"8 0 0\n{}"),
        *(4, "5", b"- 0 0\n{}"),
    ]
    for job in jobs:
        assert list(one_job_args(job)) == job_args([job], {job.queue: 1})


def test_a_settlement_says_how_many_arguments_its_children_take() -> None:
    """B41"""
    children = (a_job("2"), a_job("3"), a_job("4", "other"))
    settlements = (Succeed(lease=LEASE, children=children, result=b"1"), Release(lease=LEASE))

    built = a_command(Settle(queue="mail", worker="a", version="", settlements=settlements))

    lines, word, *jobs = built.args[6:]
    assert lines == "J1 7 0 succeed 20 1\nJ1 7 0 release 0 0"
    assert word == b"1"
    assert len(jobs) == 20


def test_the_names_of_all_queues_stand_in_one_plain_set() -> None:
    built = a_command(Queues())

    assert built.packed() == built.packed_with_text() == (b"SMEMBERS", "shop:queues")
    assert built.parse([b"b", b"a"]) == ("a", "b")


def test_what_is_not_known_is_refused_by_name() -> None:
    """B57"""

    class Dream(Operation[None], frozen=True):
        pass

    with pytest.raises(NotSupported, match="Dream"):
        a_command(Dream())


@pytest.mark.parametrize(
    ("settlement", "line", "word"),
    [
        (Succeed(lease=LEASE, duration=5), "J1 7 5", None),
        (Succeed(lease=LEASE, result=b""), "J1 7 0 succeed 0 1", b""),
        (Release(lease=LEASE), "J1 7 0 release 0 0", None),
    ],
)
def test_a_settlement_is_a_line_and_what_goes_with_it(
    settlement: Settlement, line: str, word: bytes | None
) -> None:
    assert settlement_args(settlement) == (line, word)


@pytest.mark.parametrize(
    ("settlement", "line"),
    [
        (RetryLater(lease=LEASE, failure=FAILURE, delay=3), "J1 7 0 retry 0 1 - 3"),
        (RetryLater(lease=LEASE, failure=FAILURE, at=99), "J1 7 0 retry 0 1 99 0"),
        (SnoozeFor(lease=LEASE, failure=FAILURE, delay=3), "J1 7 0 snooze 0 1 - 3"),
        (Bury(lease=LEASE, failure=FAILURE), "J1 7 0 bury 0 1 - 0 1"),
        (Bury(lease=LEASE, failure=FAILURE, keep=False), "J1 7 0 bury 0 1 - 0 0"),
        (EndCancelled(lease=LEASE, failure=FAILURE, duration=8), "J1 7 8 cancel 0 1"),
    ],
)
def test_a_failure_is_the_inside_of_a_json_object_on_one_line(
    settlement: Settlement, line: str
) -> None:
    found, word = settlement_args(settlement)

    assert found == line
    assert word is not None
    assert word.startswith(b'"outcome":"failed",')
    assert b"\n" not in word


def test_a_script_brings_the_parts_that_it_needs() -> None:
    text = script("push").text

    assert b"local function publish(" in text
    assert b"local function hint(" in text
    assert script("push") is script("push")
    assert len(script("push").sha) == 40
