"""Several `Handlers` put together, as a backend does."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest

from jobkit.errors import InvalidHandler, InvalidOption
from jobkit.handlers import Handlers
from jobkit.handlerset import HandlerSet
from jobkit.hooks import Hooks
from jobkit.jobtype import job
from jobkit.options import EnqueueOptions

if TYPE_CHECKING:
    from jobkit.context import JobContext


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


SEND, EXPORT = f"{__name__}.Send", f"{__name__}.Export"


def send(job: Send) -> None: ...


async def send_async(job: Send) -> None: ...


def export(job: Export) -> None: ...


def build(job: Build) -> None: ...


def sync_middleware(ctx: JobContext, call_next: Callable[[], Any]) -> object:
    return call_next()


def handlers_of(*functions: Callable[..., Any]) -> Handlers:
    handlers = Handlers()
    for function in functions:
        handlers.register(function)
    return handlers


def test_a_set_finds_the_handlers_of_all_its_groups() -> None:
    """B2"""
    own, mail = handlers_of(build), handlers_of(send)

    handler_set = HandlerSet(own, [mail])

    assert handler_set.find("reports.make") is own.registrations["reports.build"]
    assert handler_set.find(SEND) is mail.registrations[SEND]
    assert handler_set.find("nowhere") is None
    assert handler_set.call("nowhere") is None
    assert handler_set.names() == ["reports.build", "reports.make", SEND]


def test_a_set_takes_one_handlers_or_several_and_one_twice_counts_once() -> None:
    mail = handlers_of(send)

    assert HandlerSet(Handlers(), mail).names() == [SEND]
    assert HandlerSet(mail, [mail, mail]).names() == [SEND]


def test_a_set_takes_nothing_but_handlers() -> None:
    with pytest.raises(InvalidOption, match="handlers= takes Handlers"):
        HandlerSet(Handlers(), cast("Any", [send]))  # what is tested


def test_a_type_with_handlers_in_two_groups_is_refused_and_both_named() -> None:
    """B2"""
    mail, more = Handlers("mail"), Handlers("more")
    mail.register(send)
    more.register(send_async)

    with pytest.raises(InvalidHandler, match="second handler") as refused:
        HandlerSet(Handlers(), [mail, more])

    assert f"{__name__}.send of <Handlers('mail')" in str(refused.value)
    assert f"{__name__}.send_async was given" in str(refused.value)


def test_a_second_handler_in_another_group_is_refused_when_it_is_registered() -> None:
    """B2"""
    mail, more = handlers_of(send), Handlers()
    handler_set = HandlerSet(Handlers(), [mail, more])

    with pytest.raises(InvalidHandler, match="second handler"):
        more.register(send_async)

    assert handler_set.find(SEND) is mail.registrations[SEND]


def test_what_is_registered_later_takes_effect_and_shows_in_the_version() -> None:
    """B51"""
    own, mail = Handlers(), handlers_of(send)
    handler_set = HandlerSet(own, mail)
    version, before = handler_set.version, handler_set.call(SEND)

    mail.register(export)
    after_handler = handler_set.version
    own.middleware(sync_middleware)
    call = handler_set.call(SEND)

    assert handler_set.find(EXPORT)
    assert version < after_handler < handler_set.version
    assert before is not None
    assert before.middleware == ()
    assert call is not None
    assert [shape.function for shape in call.middleware] == [sync_middleware]


def test_a_call_is_kept_until_something_changes() -> None:
    handler_set = HandlerSet(handlers_of(send))

    assert handler_set.call(SEND) is handler_set.call(SEND)


def test_the_backends_middleware_is_outermost_and_others_are_for_their_own_handlers() -> None:
    """B25"""

    def outer(ctx: JobContext, call_next: Callable[[], Any]) -> object: ...

    def inner(ctx: JobContext, call_next: Callable[[], Any]) -> object: ...

    own, mail, reports = Handlers(), handlers_of(send), handlers_of(build)
    mail.middleware(inner)
    own.middleware(outer)
    handler_set = HandlerSet(own, [mail, reports])

    def around(name: str) -> list[Callable[..., Any]]:
        call = handler_set.call(name)
        assert call is not None
        return [shape.function for shape in call.middleware]

    assert around(SEND) == [outer, inner]
    assert around("reports.build") == [outer]


def test_the_backends_hooks_come_first_and_others_are_for_their_own_handlers() -> None:
    """B30"""
    of_own, of_mail = Hooks(), Hooks()
    own, mail = handlers_of(build), handlers_of(send)
    mail.hooks(of_mail)
    own.hooks(of_own)
    handler_set = HandlerSet(own, mail)

    sending, building = handler_set.call(SEND), handler_set.call("reports.build")

    assert sending is not None
    assert [id(hooks) for hooks in sending.hooks] == [id(of_own), id(of_mail)]
    assert building is not None
    assert [id(hooks) for hooks in building.hooks] == [id(of_own)]


def test_enqueue_hooks_are_those_of_all_groups_in_order() -> None:
    def first(job: Any, options: EnqueueOptions) -> EnqueueOptions | None: ...

    def second(job: Any, options: EnqueueOptions) -> EnqueueOptions | None: ...

    own, mail = Handlers(), Handlers()
    handler_set = HandlerSet(own, mail)

    assert mail.on_enqueue(second) is second
    own.on_enqueue(first)

    assert handler_set.enqueue_hooks == (first, second)


def test_sync_middleware_of_the_backend_does_not_fit_async_handlers_of_others() -> None:
    """B25"""
    own = Handlers()
    own.middleware(sync_middleware)

    with pytest.raises(InvalidHandler, match=r"sync_middleware cannot wrap .*send_async"):
        HandlerSet(own, handlers_of(send_async))


def test_an_async_handler_below_sync_middleware_of_the_backend_is_refused_at_registering() -> None:
    """B25"""
    own, mail = Handlers(), Handlers()
    own.middleware(sync_middleware)
    handler_set = HandlerSet(own, mail)

    with pytest.raises(InvalidHandler, match=r"sync_middleware cannot wrap .*send_async"):
        mail.register(send_async)

    assert handler_set.names() == []


def test_sync_middleware_given_to_the_backend_later_is_checked_against_all() -> None:
    """B25"""
    own, mail = Handlers(), handlers_of(send_async)
    handler_set = HandlerSet(own, mail)
    version = handler_set.version

    with pytest.raises(InvalidHandler, match=r"sync_middleware cannot wrap .*send_async"):
        own.middleware(sync_middleware)

    assert handler_set.version == version


def test_handlers_do_not_keep_the_backends_alive_that_use_them() -> None:
    mail = handlers_of(send)
    gone = weakref.ref(HandlerSet(Handlers(), mail))

    gc.collect()

    assert gone() is None
