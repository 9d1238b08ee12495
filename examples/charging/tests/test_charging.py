"""A charge happens once: shown for the right handler, and found out about the naive one."""

from __future__ import annotations

import pytest

from examples.charging.bank import Charged, MemoryBank
from examples.charging.handlers import Charging, NaiveCharging, make_handlers
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
