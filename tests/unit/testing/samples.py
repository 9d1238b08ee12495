"""Job types and builders for the tests of the double."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jobkit
from jobkit_testing import TestingJobs

START = datetime(2030, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@jobkit.job(name="send-mail")
@dataclass(frozen=True)
class SendMail:
    user_id: int
    locale: str = "en"


@jobkit.job(name="audit")
@dataclass(frozen=True)
class Audit:
    what: str = "x"


@dataclass(frozen=True)
class Address:
    city: str
    street: str = ""


@dataclass(frozen=True)
class Order:
    number: int
    address: Address
    tags: list[str] = field(default_factory=list[str])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    amount: float = 0.0


@dataclass(frozen=True)
class Login:
    user: str
    password: str = field(metadata={"sensitive": True})


@jobkit.job(backoff=timedelta(seconds=10), max_retries=2)
@dataclass(frozen=True)
class Flaky:
    failures: int = 1


@jobkit.job(timeout=timedelta(seconds=30), backoff=timedelta(seconds=10))
@dataclass(frozen=True)
class Slow:
    seconds: float = 60


@jobkit.job(max_concurrency=1)
@dataclass(frozen=True)
class Narrow:
    number: int = 0


def jobs_of(*handlers: Callable[..., object], **options: Any) -> TestingJobs:
    """Make a TestingJobs that begins at START, with these handlers."""
    if "clock" not in options:
        options.setdefault("start", START)
    jobs = TestingJobs(**options)
    for handler in handlers:
        jobs.register(handler)
    return jobs


def done(job: SendMail | Audit | Order | Login | Narrow) -> None:
    """Succeed."""


def fail_at_first(job: Flaky, ctx: jobkit.JobContext) -> str:
    """Fail as often as the job says."""
    if ctx.attempt <= job.failures:
        raise ConnectionError(f"no route, attempt {ctx.attempt}")
    return "done"


def untyped(value: object) -> Any:
    """Hide a type, for calls that type checkers would refuse."""
    return value


def message_of(call: Callable[[], object]) -> str:
    """Return what an assertion that fails says."""
    try:
        call()
    except AssertionError as error:
        return str(error)
    raise RuntimeError("the assertion holds")
