"""Registering handlers, middleware and hooks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, make_dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest

from jobkit.client import AsyncJobs, Jobs
from jobkit.errors import InvalidHandler, InvalidJob, InvalidOption
from jobkit.handlers import Handlers
from jobkit.hooks import Hooks
from jobkit.jobtype import job
from jobkit.memory import MemoryJobs

if TYPE_CHECKING:
    from jobkit.context import JobContext

    @dataclass
    class OnlyForTypeCheckers:
        pass


@dataclass
class Send:
    to: str


@dataclass
class Export:
    table: str


@job(name="reports.build", aliases=["reports.make"])
@dataclass
class Build:
    report: str


@job(name="reports.build")
@dataclass
class OtherBuild:
    report: str


SEND, EXPORT = f"{__name__}.Send", f"{__name__}.Export"


def send(job: Send) -> None: ...


async def send_async(job: Send) -> None: ...


def export(job: Export, ctx: JobContext) -> None: ...


def build(job: Build) -> None: ...


def sync_middleware(ctx: JobContext, call_next: Callable[[], Any]) -> object:
    return call_next()


async def async_middleware(ctx: JobContext, call_next: Callable[[], Any]) -> object:
    return await call_next()


def handlers_of(*functions: Callable[..., Any]) -> Handlers:
    handlers = Handlers()
    for function in functions:
        handlers.register(function)
    return handlers


def test_register_is_a_decorator_that_gives_the_function_back() -> None:
    """B2"""
    handlers = Handlers()

    @handlers.register
    def deliver(job: Send) -> str:
        return job.to

    @handlers.register(job=Export)
    def anything(job: Any) -> None: ...

    assert deliver(Send("ann")) == "ann"
    assert handlers.registrations[SEND].function is deliver
    assert handlers.registrations[EXPORT].function is anything


def test_a_registration_tells_all_that_a_worker_needs() -> None:
    """B2"""
    registration = handlers_of(export).registrations[EXPORT]

    assert registration.job_type.cls is Export
    assert registration.name == f"{__name__}.export"
    assert registration.wants_context
    assert not registration.is_async


def test_a_handler_is_found_by_the_aliases_of_its_type() -> None:
    """B1"""
    registrations = handlers_of(build).registrations

    assert registrations["reports.build"] is registrations["reports.make"]


def test_a_union_registers_for_each_member() -> None:
    """B2"""
    handlers = Handlers()

    @handlers.register
    def either(job: Send | Export) -> None: ...

    assert set(handlers.registrations) == {SEND, EXPORT}
    assert handlers.registrations[SEND].function is either


def test_a_type_of_the_decorating_function_is_found() -> None:
    """B2: string annotations of local classes."""

    @dataclass
    class Local:
        n: int

    handlers = Handlers()

    @handlers.register
    def handle(job: Local) -> None: ...

    assert [r.job_type.cls for r in handlers.registrations.values()] == [Local]


def test_a_type_of_the_decorating_class_is_found() -> None:
    """B2"""
    handlers = Handlers()

    class Service:
        @dataclass
        class Nested:
            n: int

        @handlers.register
        @staticmethod
        def handle(job: Nested) -> None: ...

    assert [r.job_type.cls for r in handlers.registrations.values()] == [Service.Nested]


def test_a_local_type_goes_before_one_of_the_module() -> None:
    """B2: as in any function body."""

    @dataclass
    class Send:
        n: int

    def handle(job: Send) -> None: ...

    (registration,) = handlers_of(handle).registrations.values()

    assert registration.job_type.cls is Send


def test_a_type_of_the_function_that_registers_is_not_taken_for_one_of_the_handler_s_module() -> (
    None
):
    """B2"""
    send_of_the_module: type = Send

    def register() -> Handlers:
        @dataclass
        class Send:
            n: int

        assert Send is not send_of_the_module
        return handlers_of(send)

    (registration,) = register().registrations.values()

    assert registration.job_type.cls is send_of_the_module


def test_a_type_in_the_closure_is_found_after_its_function_has_returned() -> None:
    """B2"""

    def make() -> Callable[[Any], object]:
        @dataclass
        class Local:
            n: int

        def handle(job: Local) -> object:
            return Local

        return handle

    handle = make()

    (registration,) = handlers_of(handle).registrations.values()

    assert registration.job_type.cls is handle(None)


def test_a_type_that_does_not_exist_at_run_time_is_refused_with_what_to_do() -> None:
    """B2"""

    def handle(job: OnlyForTypeCheckers) -> None: ...

    with pytest.raises(InvalidHandler, match="outside of TYPE_CHECKING, or give job="):
        Handlers().register(handle)


def test_a_type_that_does_not_exist_at_run_time_may_be_given() -> None:
    """B2"""

    def handle(job: OnlyForTypeCheckers) -> None: ...

    handlers = Handlers()
    handlers.register(handle, job=Send)

    assert list(handlers.registrations) == [SEND]


@pytest.mark.parametrize("where", [Handlers, MemoryJobs, lambda: MemoryJobs().aio])
def test_registering_nothing_is_refused(where: Callable[[], Handlers | Jobs | AsyncJobs]) -> None:
    """B2: with the accepted forms, wherever it is tried."""
    register = cast("Callable[[], object]", where().register)  # no overload allows it

    with pytest.raises(InvalidHandler, match="accepted:"):
        register()


def test_a_second_handler_is_refused_and_names_both() -> None:
    """B2"""
    handlers = handlers_of(send)

    with pytest.raises(InvalidHandler, match=r"second handler for .*Send") as refused:
        handlers.register(send_async)

    assert f"{__name__}.send of <Handlers()" in str(refused.value)
    assert f"{__name__}.send_async was given" in str(refused.value)
    assert "accepted:" in str(refused.value)
    assert handlers.registrations[SEND].function is send


def test_a_union_registers_all_its_members_or_none() -> None:
    """B2"""
    handlers = handlers_of(export)

    def either(job: Send | Export) -> None: ...

    with pytest.raises(InvalidHandler, match="second handler"):
        handlers.register(either)

    assert list(handlers.registrations) == [EXPORT]


def test_two_classes_with_one_name_are_refused_and_both_named() -> None:
    """B1"""
    handlers = handlers_of(build)

    def other(job: OtherBuild) -> None: ...

    with pytest.raises(InvalidHandler) as refused:
        handlers.register(other)

    assert str(refused.value).startswith("two job types are stored as 'reports.build'")
    assert f"{__name__}.Build" in str(refused.value)
    assert f"{__name__}.OtherBuild" in str(refused.value)


def test_a_name_that_is_the_alias_of_another_type_is_refused() -> None:
    """B1"""

    @job(name="reports.make")
    @dataclass
    class Make:
        pass

    def make(job: Make) -> None: ...

    with pytest.raises(InvalidHandler, match=r"stored as 'reports\.make'"):
        handlers_of(build, make)


def test_a_type_that_cannot_be_stored_is_refused_at_registering() -> None:
    """B2"""

    class Undecorated(Send):
        more: int

    def handle(job: Undecorated) -> None: ...

    with pytest.raises(InvalidJob):
        Handlers().register(handle)


def test_many_threads_may_register_at_once() -> None:
    """B2"""
    handlers = Handlers()
    classes = [make_dataclass(f"Job{n}", [("n", int)]) for n in range(40)]

    def register(cls: type) -> None:
        handlers.register(lambda job: None, job=cls)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]  # a lambda has no types

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(register, classes))

    assert len(handlers.registrations) == 40


@pytest.mark.parametrize("name", ["", "a b", 3])
def test_a_bad_name_for_handlers_is_refused(name: Any) -> None:
    with pytest.raises(InvalidOption, match="Handlers: name="):
        Handlers(name)


def test_middleware_is_a_decorator_that_gives_the_function_back() -> None:
    handlers = Handlers()

    assert handlers.middleware(sync_middleware) is sync_middleware


@pytest.mark.parametrize("handler_first", [True, False])
def test_sync_middleware_with_an_async_handler_is_refused_and_both_named(
    handler_first: bool,
) -> None:
    """B25: whichever comes second."""
    handlers = Handlers()
    steps: list[Callable[[], object]] = [
        lambda: handlers.register(send_async),
        lambda: handlers.middleware(sync_middleware),
    ]
    first, second = steps if handler_first else reversed(steps)
    first()

    with pytest.raises(InvalidHandler, match=r"sync_middleware cannot wrap .*send_async"):
        second()


def test_a_refused_middleware_is_not_kept() -> None:
    handlers = handlers_of(send_async)

    with pytest.raises(InvalidHandler):
        handlers.middleware(sync_middleware)

    assert handlers.contents.middleware == ()


def test_async_middleware_fits_every_handler() -> None:
    """B25"""
    handlers = handlers_of(send_async, export)

    handlers.middleware(async_middleware)

    assert len(handlers.contents.middleware) == 1


def test_sync_middleware_goes_inside_of_async_middleware_not_around_it() -> None:
    """B25"""
    handlers = Handlers()
    handlers.middleware(async_middleware)
    handlers.middleware(sync_middleware)

    with pytest.raises(InvalidHandler, match=r"sync_middleware cannot wrap .*async_middleware"):
        handlers.middleware(async_middleware)


@pytest.mark.parametrize("hook", [3, send_async])
def test_a_hook_that_cannot_be_called_is_refused(hook: Any) -> None:
    """B30"""
    with pytest.raises(InvalidHandler, match="on_dead="):
        Hooks(on_dead=hook)


def test_hooks_takes_hooks_only() -> None:
    wrong = cast("Hooks", send)  # what is tested

    with pytest.raises(InvalidHandler, match="takes Hooks"):
        Handlers().hooks(wrong)


@pytest.mark.parametrize("hook", [3, send_async])
def test_an_enqueue_hook_that_cannot_be_called_is_refused(hook: Any) -> None:
    with pytest.raises(InvalidHandler, match="on_enqueue takes a plain function"):
        Handlers().on_enqueue(hook)
