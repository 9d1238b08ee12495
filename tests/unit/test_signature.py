"""What is read off a callable: its job types, whether it wants the context, whether it is async.

This module does without `from __future__ import annotations`: here annotations are objects;
in test_handlers.py they are texts.
"""

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, Union, cast

import pytest

from jobkit.context import JobContext
from jobkit.errors import InvalidHandler
from jobkit.protocols import AsyncEnqueuer, Enqueuer, Queue
from jobkit.signature import read_handler, read_middleware


@dataclass
class Send:
    to: str


@dataclass
class Resend(Send):
    pass


@dataclass
class Export:
    table: str


class Mailer:
    def send(self, job: Send) -> None: ...

    async def export(self, job: Export, ctx: JobContext) -> None: ...

    @classmethod
    def send_all(cls, job: Send) -> None: ...

    @staticmethod
    def send_one(job: Send) -> None: ...


class Sender:
    def __call__(self, job: Send, ctx: JobContext) -> None: ...


class AsyncSender:
    async def __call__(self, job: Send) -> None: ...


class InheritingSender(AsyncSender):
    pass


def written(source: str) -> Callable[..., Any]:
    """Define a function from source that type checkers would refuse."""
    names: dict[str, Any] = {}
    exec(source, globals(), names)
    return cast("Callable[..., Any]", names.popitem()[1])  # the function just defined


def send(job: Send) -> None: ...


async def export(job: Export, ctx: JobContext) -> None: ...


def send_via(host: str, job: Send) -> None: ...


def with_extras(job: Send, ctx: JobContext, host: str = "localhost", *, port: int = 25) -> None: ...


def with_own_second(job: Send, host: str = "localhost") -> None: ...


def with_optional_context(job: Send, ctx: JobContext | None = None) -> None: ...


def with_positional_only(job: Send, ctx: JobContext, /) -> None: ...


def traced(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def without_context(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(job: Any) -> Any:
        return function(job, None)

    return wrapper


@pytest.mark.parametrize(
    ("handler", "job", "wants_context", "is_async"),
    [
        pytest.param(send, Send, False, False, id="function"),
        pytest.param(export, Export, True, True, id="coroutine function"),
        pytest.param(Mailer().send, Send, False, False, id="bound method"),
        pytest.param(Mailer().export, Export, True, True, id="bound coroutine method"),
        pytest.param(Mailer.send_all, Send, False, False, id="bound classmethod"),
        pytest.param(Mailer.send_one, Send, False, False, id="staticmethod through its class"),
        pytest.param(vars(Mailer)["send_one"], Send, False, False, id="staticmethod object"),
        pytest.param(Sender(), Send, True, False, id="callable object"),
        pytest.param(AsyncSender(), Send, False, True, id="async callable object"),
        pytest.param(InheritingSender(), Send, False, True, id="inherited async __call__"),
        pytest.param(functools.partial(send_via, "host"), Send, False, False, id="partial"),
        pytest.param(functools.partial(export), Export, True, True, id="async partial"),
        pytest.param(
            functools.partial(AsyncSender()), Send, False, True, id="partial of an async object"
        ),
        pytest.param(with_extras, Send, True, False, id="extra parameters with defaults"),
        pytest.param(with_own_second, Send, False, False, id="second one of its own"),
        pytest.param(with_optional_context, Send, True, False, id="optional context"),
        pytest.param(with_positional_only, Send, True, False, id="positional only"),
        pytest.param(traced(send), Send, False, False, id="decorated"),
        pytest.param(traced(with_extras), Send, True, False, id="decorated, with context"),
        pytest.param(
            without_context(with_optional_context), Send, False, False, id="decorator's own shape"
        ),
    ],
)
def test_every_accepted_form_is_read(
    handler: Callable[..., Any], job: type, wants_context: bool, is_async: bool
) -> None:
    """B2"""
    shape = read_handler(handler)

    assert shape.classes == (job,)
    assert shape.wants_context is wants_context
    assert shape.is_async is is_async


def test_a_built_in_method_handles_what_job_says() -> None:
    """B2"""
    seen: list[Send] = []

    shape = read_handler(seen.append, job=Send)
    shape.function(Send("ann"))

    assert seen == [Send("ann")]
    assert shape.name == "list.append"


def for_union(job: Send | Export) -> None: ...


def for_old_union(job: Union["Send", Export]) -> None: ...  # what is tested


def for_annotated(job: Annotated[Send, "by mail"]) -> None: ...


@pytest.mark.parametrize(
    ("handler", "classes"),
    [(for_union, (Send, Export)), (for_old_union, (Send, Export)), (for_annotated, (Send,))],
)
def test_a_union_is_for_each_of_its_members(
    handler: Callable[..., Any], classes: tuple[type, ...]
) -> None:
    """B2"""
    assert read_handler(handler).classes == classes


class Sends(Protocol):
    def enqueue(self, job: Any, /) -> Any: ...


@pytest.mark.parametrize("annotation", [JobContext, Enqueuer, Sends, Any, object])
def test_the_context_may_be_asked_for_as_what_it_satisfies(annotation: Any) -> None:
    def handler(job: Send, ctx: Any) -> None: ...

    handler.__annotations__["ctx"] = annotation

    assert read_handler(handler).wants_context


@pytest.mark.parametrize("annotation", [AsyncEnqueuer, Queue, str, Send, "Nowhere"])
def test_a_second_parameter_for_something_else_is_refused(annotation: Any) -> None:
    """B2"""

    def handler(job: Send, ctx: Any) -> None: ...

    handler.__annotations__["ctx"] = annotation

    with pytest.raises(InvalidHandler, match="the second argument is a JobContext"):
        read_handler(handler)


def test_a_context_whose_type_is_imported_for_type_checkers_only_is_known_by_its_name() -> None:
    handler = written("def handler(job: Send, ctx: 'elsewhere.JobContext'): ...")

    assert read_handler(handler).wants_context


def test_job_may_name_a_class_that_the_annotation_includes() -> None:
    def handler(job: Send) -> None: ...

    def any_handler(job: Any) -> None: ...

    assert read_handler(handler, job=Resend).classes == (Resend,)
    assert read_handler(any_handler, job=Export).classes == (Export,)


def test_job_that_disagrees_with_the_annotation_is_refused() -> None:
    """B2"""
    with pytest.raises(
        InvalidHandler, match=r"job=Export, but 'job' of .*send is annotated .*Send"
    ):
        read_handler(send, job=Export)


@pytest.mark.parametrize("job", [int, "Send", Send("ann"), Send | Export])
def test_job_that_is_no_dataclass_is_refused(job: object) -> None:
    """B2"""
    with pytest.raises(InvalidHandler, match="is no dataclass"):
        read_handler(send, job=job)


def no_parameters() -> None: ...


def three_parameters(job: Send, ctx: JobContext, host: str) -> None: ...


def variadic(*args: Any) -> None: ...


def keywords(job: Send, **kwargs: Any) -> None: ...


def needs_keyword(job: Send, *, host: str) -> None: ...


def for_int(job: int) -> None: ...


def for_optional(job: Send | None) -> None: ...


def for_any(job: Any) -> None: ...


def generator(job: Send) -> Iterator[int]:
    yield 1


async def async_generator(job: Send) -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("handler", "why"),
    [
        (no_parameters, "takes no job"),
        (three_parameters, "nothing to give for 'host: str'"),
        (variadic, r"nothing to give for '\*args"),
        (keywords, r"nothing to give for '\*\*kwargs"),
        (needs_keyword, "nothing to give for 'host: str'"),
        (for_int, "'job' of .*for_int is annotated int, which is no dataclass"),
        (for_optional, "is annotated None, which is no dataclass"),
        (for_any, "is annotated Any, which is no dataclass"),
        (
            written("def unclear(job: Send, host=None): ..."),
            "unclear whether 'host' of .* is for the JobContext",
        ),
        (generator, "has a yield"),
        (async_generator, "has a yield"),
        (functools.partial(generator), "has a yield"),
        (Send, "is a class"),
        (Send("ann"), "is not callable"),
        (None, "is not callable"),
        (vars(Mailer)["send_all"], "is not bound to its class yet"),
        (Mailer.send, "'self' of .* has no annotation. Register the bound method"),
    ],
)
def test_a_wrong_shape_is_refused_with_the_accepted_forms(handler: object, why: str) -> None:
    """B2"""
    with pytest.raises(InvalidHandler, match=why) as refused:
        read_handler(handler)

    assert "accepted: f(job: Job) or f(job: Job, ctx: JobContext)" in str(refused.value)


def test_a_refusal_shows_what_was_given() -> None:
    """B2"""
    with pytest.raises(InvalidHandler) as refused:
        read_handler(three_parameters)

    assert str(refused.value).endswith(
        f"given: def {__name__}.three_parameters(job: {__name__}.Send, "
        "ctx: jobkit.context.JobContext, host: str)"
    )


def test_a_job_without_an_annotation_is_refused_with_what_to_write() -> None:
    """B2"""

    deliver = written("def deliver(job): ...")

    with pytest.raises(InvalidHandler) as refused:
        read_handler(deliver)

    assert "no job type: 'job' of" in str(refused.value)
    assert "Write deliver(job: SendWelcome), or register(deliver, job=SendWelcome)" in str(
        refused.value
    )


def sync_middleware(ctx: JobContext, call_next: Callable[[], Any]) -> object:
    return call_next()


class AsyncMiddleware:
    async def __call__(self, ctx: JobContext, call_next: Callable[[], Any]) -> object:
        return await call_next()


def one_parameter(ctx: JobContext) -> None: ...


def middleware_with_three(ctx: JobContext, call_next: Callable[[], Any], more: int) -> None: ...


def middleware_with_yield(ctx: JobContext, call_next: Callable[[], Any]) -> Iterator[None]:
    yield


def test_middleware_is_read_like_a_handler() -> None:
    assert not read_middleware(sync_middleware).is_async
    assert read_middleware(AsyncMiddleware()).is_async


@pytest.mark.parametrize(
    "middleware", [one_parameter, middleware_with_three, middleware_with_yield, AsyncMiddleware, 3]
)
def test_middleware_of_a_wrong_shape_is_refused(middleware: object) -> None:
    with pytest.raises(InvalidHandler, match=r"accepted: mw\(ctx, call_next\)"):
        read_middleware(middleware)
