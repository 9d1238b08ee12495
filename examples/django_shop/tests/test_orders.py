"""Orders and their charges: on TestingJobs, within Django's own test transactions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.test import RequestFactory, TestCase

from examples.django_shop.handlers import make_handlers
from examples.django_shop.jobs import ChargeCard, SweepOrders
from examples.django_shop.models import Order
from examples.django_shop.orders import place_order
from examples.django_shop.views import Orders
from jobkit_testing import TestingJobs

START = datetime(2030, 1, 1, 9, tzinfo=UTC)


class Orders_(TestCase):  # noqa: N801  # the view has the better name
    def setUp(self) -> None:
        self.charged: list[tuple[str, int]] = []
        self.jobs = TestingJobs(start=START)
        self.bank_is_down = False

    def add_handlers(self) -> TestingJobs:
        """Return the same world with somebody who works in it."""
        clock = self.jobs.clock
        handlers = make_handlers(self.charge, clock.now)
        self.jobs = TestingJobs(clock=clock, handlers=handlers)
        return self.jobs

    def charge(self, key: str, cents: int) -> None:
        if self.bank_is_down:
            raise ConnectionError("the bank does not answer")
        self.charged.append((key, cents))

    def place(self) -> int:
        return place_order(self.jobs, sku="tea", cents=450, now=self.jobs.clock.now())

    def test_an_order_is_charged_when_it_is_committed(self) -> None:
        with self.captureOnCommitCallbacks() as callbacks:
            order = self.place()
            self.jobs.assert_empty()  # no worker looks for what is not there yet
        for callback in callbacks:
            callback()

        self.jobs.assert_queued(ChargeCard(order), 1)

    def test_an_order_that_is_rolled_back_charges_nobody(self) -> None:
        with self.captureOnCommitCallbacks(execute=True), transaction.atomic():
            self.place()
            transaction.set_rollback(rollback=True)

        self.jobs.assert_empty()
        assert not Order.objects.exists()

    def test_an_order_is_charged_once(self) -> None:
        jobs = self.add_handlers()
        with self.captureOnCommitCallbacks(execute=True):
            order = self.place()

        jobs.drain()
        jobs.perform(ChargeCard(order))

        assert self.charged == [(f"order-{order}", 450)]
        assert Order.objects.get(pk=order).is_paid

    def test_an_order_whose_job_was_lost_is_found_by_the_schedule(self) -> None:
        jobs = self.add_handlers()
        self.place()  # in a test nothing is committed: as if the process had died right before
        jobs.assert_recurring("@every 1m", SweepOrders)

        jobs.run_for(timedelta(minutes=7))

        assert len(self.charged) == 1

    def test_while_the_bank_is_down_an_order_has_one_job(self) -> None:
        """The sweep meets the job that waits for its retry, and adds none."""
        jobs = self.add_handlers()
        self.bank_is_down = True
        with self.captureOnCommitCallbacks(execute=True):
            self.place()

        jobs.run_for(timedelta(minutes=1))
        self.bank_is_down = False
        jobs.run_for(timedelta(hours=1))

        assert len(self.charged) == 1
        jobs.assert_performed(ChargeCard, 1)

    def test_the_view_takes_an_order_and_refuses_nonsense(self) -> None:
        view, post = Orders.as_view(jobs=self.jobs), RequestFactory().post
        with self.captureOnCommitCallbacks(execute=True):
            taken = view(post("/orders", {"sku": "tea", "cents": "450"}))
        refused = view(post("/orders", {"sku": "tea", "cents": "much"}))

        assert (taken.status_code, refused.status_code) == (202, 400)
        self.jobs.assert_queued(ChargeCard, 1)
