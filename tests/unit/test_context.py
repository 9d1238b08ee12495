"""What a handler knows about its job, and the metadata that enqueues carry."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from typing import Any, Unpack, cast

import pytest

from jobkit.cancellation import Cancellation
from jobkit.context import CURRENT_JOB, JobContext, current_job, current_metadata, metadata
from jobkit.errors import InvalidOption, NotSupported, WrongState
from jobkit.handle import JobControl, JobHandle
from jobkit.jobtype import DataclassLike
from jobkit.logs import JobLogFilter
from jobkit.options import EnqueueOptions
from jobkit.progress import CheckedIn
from jobkit.protocols import AsyncEnqueuer, Enqueuer
from tests.unit.calls import ANN, Greet, a_context

PATIENCE = 10  # seconds, for what happens at once


class HeldJobs:
    """An `Outbox` and its `Enqueuer` in one, that keeps what it gets."""

    def __init__(self) -> None:
        self.held: list[tuple[DataclassLike, EnqueueOptions]] = []

    @property
    def sync(self) -> Enqueuer:
        return self

    @property
    def aio(self) -> AsyncEnqueuer:
        raise AssertionError("not asked for here")

    def enqueue(self, job: Any, /, **options: Unpack[EnqueueOptions]) -> JobHandle[Any]:
        self.held.append((job, options))
        # Nothing in these tests acts through the handle.
        control = cast("JobControl", None)
        return JobHandle(id="1", type="t", queue="q", created=None, control=control)

    def enqueue_many(
        self,
        jobs: Iterable[DataclassLike],
        /,
        *,
        chunk: int | None = None,
        **options: Unpack[EnqueueOptions],
    ) -> list[JobHandle[Any]]:
        return [self.enqueue(job, **options) for job in jobs]

    def transaction(self) -> AbstractContextManager[Enqueuer]:
        return nullcontext(self)


def in_job(ctx: JobContext) -> AbstractContextManager[None]:
    """Be where the handler of this job would be."""

    class Inside(AbstractContextManager[None]):
        def __enter__(self) -> None:
            self.token = CURRENT_JOB.set(ctx)

        def __exit__(self, *_: object) -> None:
            CURRENT_JOB.reset(self.token)

    return Inside()


def test_a_context_shows_instants_as_aware_datetimes() -> None:
    ctx = a_context(deadline=31_000)

    assert ctx.run_at == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert ctx.enqueued_at == datetime(1970, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)
    assert ctx.deadline == datetime(1970, 1, 1, 0, 0, 31, tzinfo=UTC)
    assert a_context().deadline is None


def test_values_are_one_dict_for_all_who_ask() -> None:
    ctx = a_context()

    ctx.values["session"] = 1

    assert ctx.values == {"session": 1}
    assert a_context().values == {}


def test_a_context_is_an_enqueuer() -> None:
    """B41"""
    outbox = HeldJobs()
    ctx: Enqueuer = a_context(open_outbox=lambda _: outbox)

    ctx.enqueue(ANN, priority=1)
    ctx.enqueue_many([Greet("Bob")])
    with ctx.transaction() as tx:
        tx.enqueue(Greet("Cid"))

    assert isinstance(ctx, Enqueuer)
    assert outbox.held == [(ANN, {"priority": 1}), (Greet("Bob"), {}), (Greet("Cid"), {})]


def test_the_outbox_is_opened_at_the_first_enqueue_and_once() -> None:
    opened: list[JobContext] = []

    def open_outbox(ctx: JobContext) -> HeldJobs:
        opened.append(ctx)
        return HeldJobs()

    ctx = a_context(open_outbox=open_outbox)
    before = list(opened)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ctx.enqueue, [ANN] * 20))

    assert before == []
    assert opened == [ctx]
    outbox = ctx.take_outbox()
    assert isinstance(outbox, HeldJobs)
    assert len(outbox.held) == 20


def test_a_context_that_enqueued_nothing_has_nothing_to_take() -> None:
    assert a_context(open_outbox=lambda _: HeldJobs()).take_outbox() is None


@pytest.mark.parametrize("used", [False, True])
def test_an_enqueue_after_the_end_is_refused_not_lost(used: bool) -> None:
    """B41"""
    ctx = a_context(open_outbox=lambda _: HeldJobs())
    if used:
        ctx.enqueue(ANN)

    ctx.take_outbox()

    with pytest.raises(WrongState, match="has ended"):
        ctx.enqueue(ANN)


def test_a_context_without_a_queue_refuses_to_enqueue_by_name() -> None:
    """B57"""
    with pytest.raises(NotSupported, match="enqueue_many: <JobContext"):
        a_context().enqueue_many([ANN])


def test_a_check_in_goes_to_whom_it_concerns() -> None:
    """B29"""
    heard: list[tuple[str, CheckedIn]] = []
    ctx = a_context(on_checkin=lambda ctx, said: heard.append((ctx.id, said)))

    ctx.checkin("rows", done=1, total=2.5)
    ctx.checkin("almost")

    assert heard == [
        (ctx.id, CheckedIn("rows", 1, 2.5)),
        (ctx.id, CheckedIn("almost", None, None)),
    ]


def test_a_context_without_a_queue_refuses_a_check_in_by_name() -> None:
    """B57"""
    with pytest.raises(NotSupported, match="checkin: <JobContext"):
        a_context().checkin("half", done=1, total=2)


def test_the_logger_of_a_job_adds_its_fields_to_those_of_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ctx = a_context()

    with caplog.at_level(logging.INFO, logger="jobkit.job"):
        ctx.logger.info("sent", extra={"size": 3})

    (record,) = caplog.records
    assert vars(record).items() >= {
        "job_id": ctx.id, "job_type": ctx.type, "attempt": 2, "size": 3
    }.items()  # fmt: skip


def test_nothing_is_cancelled_at_first() -> None:
    cancelled = Cancellation()

    assert not cancelled.is_set()
    assert cancelled.reason is None
    assert not cancelled.wait(0)
    assert not cancelled.wait(timedelta(0))


def test_the_first_reason_to_stop_stays() -> None:
    """B28"""
    cancelled = Cancellation()

    first, second = cancelled.set("timeout"), cancelled.set("shutdown")

    assert (first, second) == (True, False)
    assert cancelled.is_set()
    assert cancelled.reason == "timeout"
    assert cancelled.wait()


def test_a_handler_that_waits_is_woken_when_told_to_stop() -> None:
    """B44"""
    cancelled = Cancellation()
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(cancelled.wait, PATIENCE)

        cancelled.set("cancel")

        assert waiting.result(PATIENCE) is True


def test_a_callback_is_called_once_whether_it_comes_before_or_after() -> None:
    cancelled = Cancellation()
    calls: list[str] = []

    cancelled.on_set(lambda: calls.append("before"))
    cancelled.set("lost")
    cancelled.set("lost")
    cancelled.on_set(lambda: calls.append("after"))

    assert calls == ["before", "after"]


def test_a_callback_that_was_taken_back_is_not_called() -> None:
    cancelled = Cancellation()
    calls: list[str] = []

    def callback() -> None:
        calls.append("called")

    cancelled.on_set(callback)
    cancelled.forget(callback)
    cancelled.set("lost")
    cancelled.forget(callback)

    assert calls == []


def test_there_is_no_current_job_outside_of_a_handler() -> None:
    assert current_job() is None


def test_metadata_blocks_add_up_and_the_inner_one_wins() -> None:
    with metadata(user="7", tenant="a"):
        with metadata(user="8"):
            inner = current_metadata()
        outer = current_metadata()

    assert inner == {"user": "8", "tenant": "a"}
    assert outer == {"user": "7", "tenant": "a"}
    assert current_metadata() == {}


def test_metadata_ends_with_its_block_also_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), metadata(user="7"):
        raise ZeroDivisionError

    assert current_metadata() == {}


def test_a_handler_s_enqueues_inherit_its_metadata() -> None:
    with in_job(a_context(metadata={"user": "7"})):
        inherited = current_metadata()
        with metadata(step="2"):
            both = current_metadata()

    assert inherited == {"user": "7"}
    assert both == {"user": "7", "step": "2"}


def test_a_job_does_not_see_the_metadata_of_the_code_that_runs_it() -> None:
    """B55: the double runs jobs where the test is, a worker does not."""
    with metadata(user="7"), in_job(a_context(metadata={"step": "2"})):
        inside = current_metadata()

    assert inside == {"step": "2"}


def test_metadata_is_of_this_context_only() -> None:
    elsewhere = copy_context()

    with metadata(user="7"):
        seen = elsewhere.run(current_metadata)

    assert seen == {}


def test_metadata_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidOption, match="user=7: give a str"):
        metadata(user=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # what is tested


def a_log_record() -> logging.LogRecord:
    return logging.LogRecord("app", logging.INFO, "app.py", 1, "hello", None, None)


def test_the_log_filter_tells_the_job_that_runs_here() -> None:
    ctx, record = a_context(), a_log_record()

    with in_job(ctx):
        passes = JobLogFilter().filter(record)

    assert passes
    assert record.__dict__["job_id"] == ctx.id
    assert record.__dict__["job_type"] == "tests.Greet"
    assert record.__dict__["attempt"] == 2


def test_the_log_filter_writes_dashes_outside_of_a_job() -> None:
    record = a_log_record()

    JobLogFilter().filter(record)

    assert (record.__dict__["job_id"], record.__dict__["job_type"]) == ("-", "-")
    assert record.__dict__["attempt"] == 0


def test_the_log_filter_leaves_a_record_that_knows_its_job() -> None:
    record = a_log_record()
    with in_job(a_context()):
        JobLogFilter().filter(record)

    with ThreadPoolExecutor(1) as later:
        passes = later.submit(JobLogFilter().filter, record).result(PATIENCE)

    assert passes
    assert record.__dict__["job_type"] == "tests.Greet"
