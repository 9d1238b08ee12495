"""A charge happens once: shown for the right handler, and found out about the naive one."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial

import pytest

from examples.charging.bank import Charged, MemoryBank
from examples.charging.handlers import Charging, NaiveCharging, make_handlers, send_receipt
from examples.charging.jobs import ChargeCard, SendReceipt
from jobkit_testing import TestingJobs

ORDER = ChargeCard(order=7, cents=500)


def test_a_charge_and_its_receipt() -> None:
    bank = MemoryBank()
    jobs = TestingJobs(handlers=make_handlers(Charging(bank)))

    jobs.perform(ORDER)

    assert bank.statement == [Charged(order=7, cents=500)]
    jobs.assert_queued(SendReceipt(7), 1)


def test_a_worker_that_dies_after_the_charge_does_not_charge_again() -> None:
    bank = MemoryBank()
    jobs = TestingJobs(handlers=make_handlers(Charging(bank)))

    jobs.assert_idempotent(ORDER, observe=lambda: bank.statement)

    assert bank.statement == [Charged(order=7, cents=500)]


def test_the_naive_handler_is_found_out() -> None:
    bank = MemoryBank()
    jobs = TestingJobs(handlers=make_handlers(NaiveCharging(bank)))

    with pytest.raises(AssertionError) as failure:
        jobs.assert_idempotent(ORDER, observe=lambda: bank.statement)

    assert str(failure.value).splitlines() == [
        "ChargeCard(order=7, cents=500) is not idempotent: after it ran again, observe() gives "
        "another value",
        "  1. worker A ran it, and its success was stored",
        "  2. worker A ran it to the end, and died before that was stored",
        "  observed after 1: [Charged(order=7, cents=500)]",
        "  observed at last: [Charged(order=7, cents=500), Charged(order=7, cents=500)]",
        "  ctx.id is the same in every run of a job: let what the handler changes know it again by "
        "that (an idempotency key, a unique column), or look and act in one transaction",
    ]


def shop_night(charging: type[Charging] | type[NaiveCharging], jobs: TestingJobs) -> None:
    """Charge two orders, whatever befalls the workers, and look at the bank's statement."""
    bank = MemoryBank()
    handler = charging(bank)
    jobs.register(handler.charge)
    jobs.register(send_receipt)

    jobs.enqueue_many([ChargeCard(order=7, cents=500), ChargeCard(order=8, cents=900)])
    jobs.run_for(timedelta(minutes=30))

    assert sorted(bank.statement) == [Charged(7, 500), Charged(8, 900)]
    jobs.assert_performed(SendReceipt, 2)


def test_nobody_is_charged_twice_on_any_of_a_hundred_nights(jobs: TestingJobs) -> None:
    jobs.explore(partial(shop_night, Charging), seeds=range(100))


def test_the_naive_handler_has_a_bad_night(jobs: TestingJobs) -> None:
    with pytest.raises(AssertionError) as failure:
        jobs.explore(partial(shop_night, NaiveCharging), seeds=range(100))

    told = str(failure.value)
    assert re.search(r"^explore: seed \d+ fails, with these faults", told)
    assert re.search(r"\n  1\. testing-\d (crashed|lost its lease).*: #\d ChargeCard\(order=", told)
    assert "\n  2. " not in told  # one is enough
    assert told.count(" started ChargeCard(order=7, cents=500), attempt 1, by testing-") == 2 or (
        told.count(" started ChargeCard(order=8, cents=900), attempt 1, by testing-") == 2
    )
