"""The work: five kinds of jobs that only count, one that tells how long it waited, one that sleeps.

Standard library only: this runs in every peer's environment.
"""

from __future__ import annotations

import asyncio
import time

from hits import hit, waited


def count_a(number: int) -> None:
    hit()


def count_b(number: int) -> None:
    hit()


def count_c(number: int) -> None:
    hit()


def count_d(number: int) -> None:
    hit()


def count_e(number: int) -> None:
    hit()


def wait(sent: int) -> None:
    waited(sent)


def sleep_10ms(number: int) -> None:
    time.sleep(0.01)
    hit()


async def acount_a(number: int) -> None:
    hit()


async def acount_b(number: int) -> None:
    hit()


async def acount_c(number: int) -> None:
    hit()


async def acount_d(number: int) -> None:
    hit()


async def acount_e(number: int) -> None:
    hit()


async def await_(sent: int) -> None:
    waited(sent)


async def asleep_1s(number: int) -> None:
    await asyncio.sleep(1)
    hit()


COUNTS = (count_a, count_b, count_c, count_d, count_e)
ACOUNTS = (acount_a, acount_b, acount_c, acount_d, acount_e)
SYNC = {
    **{each.__name__: each for each in COUNTS},
    "wait": wait,
    "sleep": sleep_10ms,
}
ASYNC = {
    **{sync.__name__: each for sync, each in zip(COUNTS, ACOUNTS, strict=True)},
    "wait": await_,
    "sleep": asleep_1s,
}
NAMES = tuple(each.__name__ for each in COUNTS)
