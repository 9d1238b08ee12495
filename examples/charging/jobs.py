"""What is to be done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ChargeCard:
    """Take the money for an order."""

    order: int
    cents: int


@dataclass(frozen=True)
class SendReceipt:
    """Tell the customer."""

    order: int
