"""Does the shop's jobs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import close_old_connections

from examples.django_shop.jobs import ChargeCard, SweepOrders
from examples.django_shop.orders import Charge, charge_order, sweep_orders
from jobkit import Handlers, JobContext

EVERY = timedelta(minutes=1)


def make_handlers(charge: Charge, now: Callable[[], datetime]) -> Handlers:
    """Return handlers that charge by this function, and look for forgotten orders by a schedule."""
    handlers = Handlers(name="shop")

    @handlers.register
    def on_charge(job: ChargeCard) -> None:
        charge_order(job.order, charge)

    @handlers.register
    def on_sweep(job: SweepOrders, ctx: JobContext) -> None:
        sweep_orders(ctx, now())

    handlers.schedule(EVERY, SweepOrders(), overlap="skip")
    return handlers


def fresh_connections(ctx: JobContext, call_next: Callable[[], object]) -> object:
    """Do around each job what Django does around each request."""
    close_old_connections()
    try:
        return call_next()
    finally:
        close_old_connections()
