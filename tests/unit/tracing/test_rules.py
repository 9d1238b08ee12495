"""The rules of the trace check: an honest trace breaks none, and each finds its own breach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from msgspec.structs import replace as change

from benchmarks.tracing.checks import RULES, breaches
from benchmarks.tracing.trace import (
    Complained,
    Did,
    Killed,
    Stopped,
    StopsClaiming,
)
from jobkit.store import (
    Fire,
    Lane,
    LaneSet,
    Leave,
    MarkTimedOut,
    NewJob,
    Release,
    StoredJob,
    TakeOver,
)
from jobkit.store.values import Failure, RetryLater
from tests.unit.tracing.lives import LEASE, Life, a_job, honest, lease_of


def test_an_honest_trace_breaks_no_rule() -> None:
    life = honest()
    life.stop()

    found = breaches(life.trace)

    assert {name: sentences for name, sentences in found.items() if sentences} == {}


def failed(job: StoredJob) -> RetryLater:
    return RetryLater(lease=lease_of(job), failure=Failure(outcome="failed"))


# How to break each rule, and that one alone: from an honest beginning.


def leases_fit_the_slots(life: Life) -> None:
    jobs = [a_job(n) for n in range(10, 14)]
    life.claim(*jobs, request=2, started=2)
    for job in jobs:
        life.run(job)


def suspects_run_alone(life: Life) -> None:
    jobs = [a_job(n, suspect=True) for n in range(10, 12)]
    life.claim(*jobs, request=2)
    for job in jobs:
        life.run(job)


def claims_name_what_is_served(life: Life) -> None:
    life.claim(request=2, lanes=LaneSet(key="x", lanes={"C": Lane(group="C")}))


def claims_are_asked_again_as_they_are(life: Life) -> None:
    life.claim(request=2, reply="reply lost")
    life.claim(request=3)


def nothing_is_claimed_after_the_stop(life: Life) -> None:
    life.add(StopsClaiming(worker="ann", at=life.now))
    life.claim(request=2)
    life.claim(request=3)
    life.claim(request=4)


def only_the_dead_are_taken_over(life: Life) -> None:
    life.begin("bob")
    life.did(TakeOver(queue="default", worker="bob"), None)


def nothing_starts_early(life: Life) -> None:
    job = a_job(10, run_at=life.now + 1)
    life.claim(job, request=2)
    life.run(job)


def only_own_leases_are_named(life: Life) -> None:
    life.beat(a_job(10))


def nothing_is_settled_twice(life: Life) -> None:
    job = a_job(10)
    life.claim(job, request=2)
    life.run(job)
    life.settle(job)


def every_lease_is_accounted_for(life: Life) -> None:
    life.claim(a_job(10), request=2)


def a_stop_leaves_nothing_behind(life: Life) -> None:
    job = a_job(10)
    life.claim(job, request=2)
    life.enter(job)
    life.leave(job)
    life.settle(job, reply="reply lost")
    life.add(Stopped(worker="ann", at=life.now))


def settlements_say_what_happened(life: Life) -> None:
    job = a_job(10)
    life.claim(job, request=2)
    life.enter(job)
    life.leave(job)
    life.settle(job, by=failed(job))


def success_follows_a_return(life: Life) -> None:
    job = a_job(10)
    life.claim(job, request=2)
    life.enter(job)
    life.settle(job)
    life.leave(job)


def handlers_fit_the_slots(life: Life) -> None:
    jobs = [a_job(n) for n in range(10, 13)]
    life.claim(*jobs, request=2, started=2)
    for job in jobs:
        life.enter(job)
    for job in jobs:
        life.leave(job)
        life.settle(job)


def handlers_run_once_under_a_lease(life: Life) -> None:
    job = a_job(10)
    life.claim(job, request=2)
    life.enter(job)
    life.leave(job)
    life.enter(job)
    life.leave(job)
    life.settle(job)


def nothing_runs_after_the_stop(life: Life) -> None:
    job = a_job(10)
    life.claim(job, request=2)
    life.settle(job, by=failed(job))
    life.add(Stopped(worker="ann", at=life.now))
    life.enter(job)
    life.leave(job, told="shutdown")


def timeouts_are_not_early(life: Life) -> None:
    job = a_job(10)
    life.claim(job, request=2)
    life.enter(job, timeout=100)
    life.now += 99
    life.did(MarkTimedOut(queue="default", worker="ann", lease=lease_of(job)), True)
    life.leave(job, told="timeout")
    life.settle(job, by=failed(job))


def heartbeats_come_in_time(life: Life) -> None:
    job = a_job(10)
    life.claim(job, request=2)
    life.enter(job)
    for number in range(3, 7):
        life.now += LEASE // 3
        life.claim(request=number)  # its process is alive
    life.leave(job)
    life.settle(job)


def handlers_hear_of_their_end(life: Life) -> None:
    job = a_job(10)
    life.claim(job, request=2)
    life.enter(job)
    life.beat(job, cancelled=(job.id,))
    life.now += 900
    life.leave(job)
    life.settle(job)


def workers_leave_for_good(life: Life) -> None:
    life.did(Leave(queue="default", worker="ann"), None)
    life.beat()


def ticks_make_one_job(life: Life) -> None:
    new = NewJob(id="tick", queue="default", type="A", payload=b"{}")
    fire = Fire(queue="default", name="s", expected=5, next=6, job=new)
    life.did(fire, "fired")
    life.did(fire, "fired")


def nobody_complains(life: Life) -> None:
    life.add(Complained(worker="ann", at=life.now, text="the pump failed; it goes on"))


BREAKERS: tuple[Callable[[Life], None], ...] = (
    leases_fit_the_slots,
    suspects_run_alone,
    claims_name_what_is_served,
    claims_are_asked_again_as_they_are,
    nothing_is_claimed_after_the_stop,
    only_the_dead_are_taken_over,
    nothing_starts_early,
    only_own_leases_are_named,
    nothing_is_settled_twice,
    every_lease_is_accounted_for,
    a_stop_leaves_nothing_behind,
    settlements_say_what_happened,
    success_follows_a_return,
    handlers_fit_the_slots,
    handlers_run_once_under_a_lease,
    nothing_runs_after_the_stop,
    timeouts_are_not_early,
    heartbeats_come_in_time,
    handlers_hear_of_their_end,
    workers_leave_for_good,
    ticks_make_one_job,
    nobody_complains,
)


@pytest.mark.parametrize("breaker", BREAKERS, ids=lambda breaker: breaker.__name__)
def test_each_rule_finds_its_breach_and_no_other_does(breaker: Callable[[Life], None]) -> None:
    life = honest()
    breaker(life)

    found = breaches(life.trace)

    assert [name for name, sentences in found.items() if sentences] == [breaker.__name__]


def test_there_is_a_breach_for_every_rule() -> None:
    assert [each.__name__ for each in BREAKERS] == [rule.__name__ for rule in RULES]


def test_a_claim_that_stood_by_may_be_carried_out_late_and_be_void_after_a_stop() -> None:
    life = honest()
    life.claim(request=2)
    life.claim(request=3)
    life.claim(request=2)
    life.add(StopsClaiming(worker="ann", at=life.now))
    life.claim(request=3)
    for _ in range(3):
        life.claim(request=3, slots=0)

    assert not any(breaches(life.trace).values())


def test_a_claim_that_stood_by_may_be_carried_out_after_its_void() -> None:
    """Its time runs out while handlers are waited for; it is told what the void was told."""
    life = honest()
    life.add(StopsClaiming(worker="ann", at=life.now))
    life.claim(request=2, slots=0)
    life.claim(request=2)

    assert not any(breaches(life.trace).values())


def test_who_was_killed_owes_nothing() -> None:
    life = honest()
    life.claim(a_job(10), request=2)
    life.add(Killed(worker="ann", at=life.now))

    assert not any(breaches(life.trace).values())


def test_a_silent_process_is_no_late_heartbeat() -> None:
    """It had no processor: the rule is about a keeper that is held up by its own process."""
    life = honest()
    job = a_job(10)
    life.claim(job, request=2)
    life.enter(job)
    life.now += 3 * LEASE
    life.leave(job)
    life.settle(job)

    assert not any(breaches(life.trace).values())


def test_a_claim_that_was_asked_again_may_bring_too_much() -> None:
    """Its slots were given away while nobody knew of it; what it brings waits."""
    life = honest()
    jobs = [a_job(n) for n in range(10, 14)]
    life.claim(*jobs, request=2, reply="reply lost")
    life.claim(*jobs, request=2)
    for job in jobs:
        life.run(job)

    assert not any(breaches(life.trace).values())


def test_a_lease_that_a_worker_got_anew_ends_the_older_one() -> None:
    life = honest()
    older = a_job(10)
    newer = change(older, fence=2)
    life.claim(older, request=2)
    life.enter(older)
    life.claim(newer, request=3)
    life.enter(newer)
    life.leave(older, told="lost")
    life.leave(newer)
    life.settle(newer)

    assert not any(breaches(life.trace).values())


def test_what_ends_while_a_shutdown_hands_it_back_is_handed_back() -> None:
    life = honest()
    job = a_job(10)
    life.claim(job, request=2)
    life.enter(job)
    life.leave(job, way="raised")
    life.add(StopsClaiming(worker="ann", at=life.now))
    life.settle(job, by=Release(lease=lease_of(job)))

    assert not any(breaches(life.trace).values())


def test_a_reply_that_was_lost_is_written_down_as_such() -> None:
    did = Did(sender="a", request=1, at=0, operation=Leave(queue="q", worker="w"), answer=None)

    assert replace(did, reply="reply lost") != did
