"""What the shop has done in the background."""

from __future__ import annotations

from dataclasses import dataclass

import jobkit


# One at a time for an order: whoever asks for a second charge gets a handle to the first.
@jobkit.job(name="shop.charge", unique=jobkit.Unique(until="done", ttl=None), max_retries=5)
@dataclass(frozen=True)
class ChargeCard:
    """Charge the card of an order that is not paid."""

    order: int


@jobkit.job(name="shop.sweep", max_retries=0)
@dataclass(frozen=True)
class SweepOrders:
    """Find orders whose job was never enqueued."""
