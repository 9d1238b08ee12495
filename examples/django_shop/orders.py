"""The domain: placing orders, and charging for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from examples.django_shop.jobs import ChargeCard
from examples.django_shop.models import Order
from jobkit import Enqueuer

OVERDUE = timedelta(minutes=5)

Charge = Callable[[str, int], None]  # idempotency key, cents


def place_order(jobs: Enqueuer, *, sku: str, cents: int, now: datetime) -> int:
    """Store an order; when it is committed, and only then, enqueue its charge."""
    with transaction.atomic():
        order = Order.objects.create(sku=sku, cents=cents, placed_at=now)
        transaction.on_commit(lambda: jobs.enqueue(ChargeCard(order.pk)))
    return int(order.pk)


def charge_order(order_id: int, charge: Charge) -> None:
    """Charge for an order once, however often this is called."""
    order = Order.objects.get(pk=order_id)
    if order.is_paid:
        return
    # The bank knows the key: a second call with it charges nothing.
    charge(f"order-{order_id}", order.cents)
    Order.objects.filter(pk=order_id).update(is_paid=True)


def sweep_orders(jobs: Enqueuer, now: datetime) -> int:
    """Enqueue the charges of orders that have waited for too long; return how many."""
    overdue = Order.objects.filter(is_paid=False, placed_at__lt=now - OVERDUE)
    handles = [jobs.enqueue(ChargeCard(order.pk)) for order in overdue]
    return sum(handle.created is not False for handle in handles)
