"""Two handlers for the same job."""

from __future__ import annotations

from examples.charging.bank import Bank
from examples.charging.jobs import ChargeCard, SendReceipt
from jobkit import Handlers, JobContext


class NaiveCharging:
    """Charges twice if its worker dies after the charge, before that is noted."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def charge(self, job: ChargeCard, ctx: JobContext) -> None:
        """Charge the card and send a receipt."""
        self._bank.charge(job.order, job.cents)
        ctx.enqueue(SendReceipt(job.order))


class Charging:
    """Charges once: the job's id, the same in every run, is the idempotency key of the charge."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def charge(self, job: ChargeCard, ctx: JobContext) -> None:
        """Charge the card and send a receipt."""
        self._bank.charge(job.order, job.cents, key=ctx.id)
        ctx.enqueue(SendReceipt(job.order))


def make_handlers(charging: Charging | NaiveCharging) -> Handlers:
    """Return what does the jobs."""
    handlers = Handlers()
    handlers.register(charging.charge)
    handlers.register(send_receipt)
    return handlers


def send_receipt(job: SendReceipt) -> None:
    """Send a mail, in an application that has more to it than this one."""
