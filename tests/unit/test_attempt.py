"""One attempt in a thread, and how its end is decided."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobkit.attempt import Ended, run_options, run_sync
from jobkit.backoff import Exponential
from jobkit.cancellation import Reason
from jobkit.context import JobContext, current_job
from jobkit.options import RunOptions
from jobkit.outcome import (
    Dead,
    Discard,
    Discarded,
    Failed,
    GaveUp,
    HandedBack,
    Outcome,
    Retry,
    Snooze,
    Snoozed,
    Succeeded,
    TimedOut,
    Verdict,
)
from tests.unit.calls import ANN, Greet, a_call, a_context

MINUTE = timedelta(minutes=1)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)

var: ContextVar[str] = ContextVar("var", default="unset")


def raising(error: BaseException) -> Callable[[Greet], object]:
    def handler(job: Greet) -> object:
        raise error

    return handler


def returning(value: object) -> Callable[[Greet], object]:
    return lambda job: value


def end_of(handler: Callable[..., Any], *, told: Reason | None = None) -> Ended:
    """Run a handler; `told`: why it was told to stop while it ran."""
    return run_sync(a_call(handler), ANN, a_context(told=told, deadline=31_000))


def error_of(outcome: Outcome) -> tuple[str, str]:
    assert isinstance(outcome, Failed | TimedOut | Discarded | GaveUp)
    return outcome.error.type, outcome.error.message


def test_a_handler_gets_its_job_and_its_context() -> None:
    """B2"""
    seen: list[object] = []
    ctx = a_context()

    def handler(job: Greet, ctx: JobContext) -> None:
        seen.extend([job, ctx, current_job()])

    ended = run_sync(a_call(handler), ANN, ctx)

    assert ended == Ended(Succeeded(None))
    assert seen == [ANN, ctx, ctx]
    assert current_job() is None


def test_what_a_handler_returns_is_its_result() -> None:
    """B31"""
    assert end_of(returning({"sent": 3})) == Ended(Succeeded({"sent": 3}))


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        AssertionError("no"),
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        StopIteration(),
        asyncio.CancelledError(),
        ExceptionGroup("several", [ValueError("no")]),
        BaseExceptionGroup("several", [SystemExit(3)]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_handler_raises_is_a_failure(error: BaseException) -> None:
    """B32: and the exception is kept, for a double that lets it escape."""
    ended = end_of(raising(error))

    assert isinstance(ended.outcome, Failed)
    assert ended.outcome.error.type.endswith(type(error).__name__)
    assert ended.exception is error


def test_a_failure_tells_type_message_and_where_without_jobkit_s_frames() -> None:
    """B36"""

    def middleware(ctx: JobContext, call_next: Callable[[], Any]) -> object:
        return call_next()

    plain = run_sync(a_call(raising(ValueError("no disk"))), ANN, a_context())
    wrapped = run_sync(a_call(raising(ValueError("no disk")), middleware), ANN, a_context())

    for ended, where in [(plain, "in handler"), (wrapped, "in middleware")]:
        assert isinstance(ended.outcome, Failed)
        error = ended.outcome.error
        assert (error.type, error.message) == ("ValueError", "no disk")
        first, frame = error.traceback.splitlines()[:2]
        assert first == "Traceback (most recent call last):"
        assert frame.endswith(where)
        assert error.traceback.endswith("ValueError: no disk\n")


@pytest.mark.parametrize("how", [raising, returning])
@pytest.mark.parametrize(
    ("verdict", "expected", "described"),
    [
        (Retry(delay=MINUTE, reason="busy"), Failed, ("jobkit.Retry", "busy")),
        (Retry(at=NEW_YEAR), Failed, ("jobkit.Retry", "")),
        (Discard("gone"), Discarded, ("jobkit.Discard", "gone")),
        (Dead("no such user"), GaveUp, ("jobkit.Dead", "no such user")),
    ],
)
def test_a_handler_may_raise_or_return_its_verdict(
    how: Callable[[Any], Callable[[Greet], object]],
    verdict: Verdict,
    expected: type[Outcome],
    described: tuple[str, str],
) -> None:
    """B35"""
    outcome = end_of(how(verdict)).outcome

    assert isinstance(outcome, expected)
    assert error_of(outcome) == described


@pytest.mark.parametrize("how", [raising, returning])
def test_a_retry_carries_the_chosen_time_and_a_snooze_its_delay(
    how: Callable[[Any], Callable[[Greet], object]],
) -> None:
    """B35"""
    after, at = end_of(how(Retry(delay=MINUTE))).outcome, end_of(how(Retry(at=NEW_YEAR))).outcome
    snoozed = end_of(how(Snooze(MINUTE))).outcome

    assert isinstance(after, Failed)
    assert (after.delay, after.at) == (MINUTE, None)
    assert isinstance(at, Failed)
    assert (at.delay, at.at) == (None, NEW_YEAR)
    assert snoozed == Snoozed(MINUTE)


def test_a_verdict_that_was_returned_is_no_exception_that_could_escape() -> None:
    """B35"""
    assert end_of(returning(Dead("gone"))).exception is None


def test_a_verdict_s_class_is_as_good_as_an_instance() -> None:
    """B35: `return Dead`, as `raise Dead`."""
    assert isinstance(end_of(returning(Dead)).outcome, GaveUp)
    assert error_of(end_of(returning(Retry)).outcome)[0] == "jobkit.InvalidOption"


@pytest.mark.parametrize("how", [raising, returning])
def test_a_verdict_with_a_delay_of_the_wrong_type_is_a_failure(
    how: Callable[[Any], Callable[[Greet], object]],
) -> None:
    """B32: the worker has to survive it."""
    wrong: Any = 5
    for verdict in (Snooze(wrong), Retry(delay=wrong)):
        outcome = end_of(how(verdict)).outcome

        assert isinstance(outcome, Failed)
        assert outcome.delay is None
        assert outcome.error.type == "jobkit.InvalidOption"


async def coroutine_function() -> None: ...


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (coroutine_function, "'coroutine_function'"),
        (lambda: (n for n in (1, 2)), "genexpr"),
    ],
)
def test_a_handler_that_returns_what_never_ran_has_failed(
    make: Callable[[], object], name: str
) -> None:
    """B2: a wrapper hides `async def` from `register`."""
    ended = end_of(lambda job: make())  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]  # a lambda has no types

    assert isinstance(ended.outcome, Failed)
    assert ended.outcome.error.type == "jobkit.InvalidHandler"
    assert name in ended.outcome.error.message
    assert "which was never run: write async def, and await it" in ended.outcome.error.message


@pytest.mark.parametrize(
    "handler",
    [
        raising(ValueError("no")),
        raising(Discard()),
        raising(asyncio.CancelledError()),
        returning(None),
        returning(3),
        returning(Snooze(MINUTE)),
    ],
    ids=["raise", "discard", "cancelled error", "return None", "return 3", "snooze"],
)
def test_past_its_deadline_an_attempt_has_timed_out_whatever_it_did(
    handler: Callable[[Greet], object],
) -> None:
    """B28"""
    outcome = end_of(handler, told="timeout").outcome

    assert isinstance(outcome, TimedOut)
    assert outcome.error.type == "TimeoutError"
    assert outcome.error.message.startswith("ran past its deadline of 1970-01-01 00:00:31+00:00")


def test_a_timeout_tells_what_the_handler_then_raised() -> None:
    """B28"""
    outcome = end_of(raising(ValueError("no")), told="timeout").outcome

    assert error_of(outcome)[1].endswith(", then raised ValueError: no")
    assert isinstance(outcome, TimedOut)
    assert "raise error" in outcome.error.traceback


@pytest.mark.parametrize(
    "handler",
    [raising(ValueError("no")), raising(Retry(delay=MINUTE)), returning(None), returning(3)],
    ids=["raise", "retry", "return None", "return 3"],
)
def test_a_cancelled_attempt_ends_cancelled_whatever_it_did(
    handler: Callable[[Greet], object],
) -> None:
    """B44"""
    outcome = end_of(handler, told="cancel").outcome

    assert isinstance(outcome, Discarded)
    assert outcome.outcome == "cancelled"
    assert outcome.error.message == "the job was cancelled while it ran"


@pytest.mark.parametrize("error", [ValueError("stop"), asyncio.CancelledError(), SystemExit()])
def test_at_shutdown_a_handler_that_raises_is_handed_back(error: BaseException) -> None:
    """B52"""
    ended = end_of(raising(error), told="shutdown")

    assert ended == Ended(HandedBack(), error)


def test_at_shutdown_a_handler_that_returns_has_succeeded() -> None:
    """B52"""
    assert end_of(returning(3), told="shutdown").outcome == Succeeded(3)
    assert end_of(returning(None), told="shutdown").outcome == Succeeded(None)


def test_at_shutdown_a_verdict_counts() -> None:
    """B35"""
    assert end_of(raising(Snooze(MINUTE)), told="shutdown").outcome == Snoozed(MINUTE)


@pytest.mark.parametrize("reason", ["lost", "deleted"])
def test_an_attempt_whose_job_is_gone_ends_without_a_failure(reason: Reason) -> None:
    """B38: the store refuses it in any case."""
    assert end_of(raising(ValueError()), told=reason).outcome == HandedBack()


def test_middleware_is_an_onion_in_the_order_of_registering() -> None:
    """B25"""
    steps: list[str] = []

    def layer(name: str) -> Callable[[JobContext, Callable[[], Any]], object]:
        def middleware(ctx: JobContext, call_next: Callable[[], Any]) -> object:
            steps.append(f"{name} in")
            value = call_next()
            steps.append(f"{name} out")
            return f"{value} {name}"

        return middleware

    def handler(job: Greet) -> str:
        steps.append("handler")
        return job.name

    call = a_call(handler, layer("outer"), layer("inner"))
    ended = run_sync(call, ANN, a_context())

    assert steps == ["outer in", "inner in", "handler", "inner out", "outer out"]
    assert ended.outcome == Succeeded("Ann inner outer")


def test_middleware_and_handler_share_context_values_and_variables() -> None:
    """B25"""
    seen: list[object] = []

    def middleware(ctx: JobContext, call_next: Callable[[], Any]) -> object:
        var.set("by middleware")
        ctx.values["session"] = 1
        call_next()
        return var.get()

    def handler(job: Greet, ctx: JobContext) -> None:
        seen.extend([var.get(), ctx.values, current_job()])
        var.set("by handler")

    ctx = a_context()
    ended = run_sync(a_call(handler, middleware), ANN, ctx)

    assert seen == ["by middleware", {"session": 1}, ctx]
    assert ended.outcome == Succeeded("by handler")


def test_each_attempt_has_its_own_copy_of_the_context() -> None:
    """B25"""
    seen: list[str] = []

    def handler(job: Greet) -> None:
        seen.append(var.get())
        var.set("changed")

    token = var.set("outside")
    end_of(handler)
    end_of(handler)

    assert seen == ["outside", "outside"]
    assert var.get() == "outside"
    var.reset(token)


def test_an_error_in_middleware_is_a_failure_of_the_attempt() -> None:
    """B25"""

    def middleware(ctx: JobContext, call_next: Callable[[], Any]) -> object:
        call_next()
        raise ValueError("after")

    ended = run_sync(a_call(returning(3), middleware), ANN, a_context())

    assert error_of(ended.outcome) == ("ValueError", "after")


def test_middleware_may_answer_for_the_handler() -> None:
    """B25"""

    def middleware(ctx: JobContext, call_next: Callable[[], Any]) -> object:
        try:
            return call_next()
        except ValueError:
            return Snooze(MINUTE)

    ended = run_sync(a_call(raising(ValueError()), middleware), ANN, a_context())

    assert ended.outcome == Snoozed(MINUTE)


def test_of_run_options_the_call_wins_over_the_type_and_the_type_over_the_backend() -> None:
    """B33"""
    options = run_options(
        {"max_retries": 1},
        {"max_retries": 2, "backoff": MINUTE, "queue": "mail"},
        {"max_retries": 3, "timeout": MINUTE, "priority": 7},
    )

    assert options == RunOptions(max_retries=1, backoff=MINUTE, timeout=MINUTE)


def test_none_is_a_choice_like_any_other() -> None:
    """B28: None is no timeout; B33: None is without end."""
    options = run_options({"timeout": None, "max_retries": None}, {"timeout": MINUTE}, {})

    assert (options.timeout, options.max_retries) == (None, None)


def test_without_any_run_options_the_defaults_count() -> None:
    """B33, B34"""
    options = run_options({}, {}, {})

    assert (options.max_retries, options.max_timeout_retries) == (20, 3)
    assert options.backoff == Exponential()
