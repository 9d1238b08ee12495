"""Code that another process finds by its name: how a handler gets into the process that runs it."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from operator import attrgetter
from types import FunctionType
from typing import Any

from jobkit.engine import Engine
from jobkit.errors import InvalidHandler
from jobkit.handlers import EnqueueHook, Handlers, Registration
from jobkit.handlerset import Call
from jobkit.jobtype import job_type
from jobkit.signature import Shape

MAIN = ("__main__", "__mp_main__")


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A handler with its middleware."""

    job: type
    handler: Shape
    middleware: tuple[Shape, ...]
    async_depth: int

    def call(self) -> Call:
        """Return how to run it here."""
        registration = Registration(
            job_type=job_type(self.job),
            name=self.handler.name,
            function=self.handler.function,
            wants_context=self.handler.wants_context,
            is_async=self.handler.is_async,
            handlers=Handlers(),
        )
        return Call(
            registration=registration,
            function=self.handler.function,
            wants_context=self.handler.wants_context,
            is_async=self.handler.is_async or self.async_depth > 0,
            is_isolated=True,
            middleware=self.middleware,
            async_depth=self.async_depth,
            hooks=(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueueing:
    """What an engine needs in order to prepare the jobs that a handler enqueues on its context."""

    defaults: Mapping[str, Any]
    hooks: tuple[EnqueueHook, ...]
    max_payload: int
    version: str
    durable: bool


def code_of(call: Call) -> bytes:
    """Pickle how to run a call; raises `InvalidHandler` if another process would not find it."""
    registration = call.registration
    what = f"{registration.name} handles {registration.job_type.name}, which is isolated"
    _check(registration.job_type.cls, f"{what}: its job type")
    _check(registration.function, f"{what}: the handler")
    for middleware in call.middleware:
        _check(middleware.function, f"{what}: its middleware {middleware.name}")
    handler = Shape(
        name=registration.name,
        function=registration.function,
        is_async=registration.is_async,
        wants_context=registration.wants_context,
    )
    return _pickled(
        Code(
            job=registration.job_type.cls,
            handler=handler,
            middleware=call.middleware,
            async_depth=call.async_depth,
        )
    )


def enqueueing_of(engine: Engine) -> bytes:
    """Pickle what `ctx.enqueue` needs; raises `InvalidHandler` likewise."""
    _check(engine.defaults, "isolated handlers enqueue with the backend's defaults, which")
    for hook in engine.handlers.enqueue_hooks:
        _check(hook, "isolated handlers enqueue with on_enqueue, which")
    return _pickled(
        Enqueueing(
            defaults=engine.defaults,
            hooks=engine.handlers.enqueue_hooks,
            max_payload=engine.max_payload,
            version=engine.version,
            durable=engine.durable,
        )
    )


def _check(thing: object, what: str) -> None:
    try:
        _pickled(thing)
    except Exception as error:  # pickle raises several; a __reduce__ of users' code, anything
        raise InvalidHandler(
            f"{what} cannot be found by another process: {error}. Define it at the top of a "
            "module that can be imported (not in a function, not as a lambda, not in the script "
            "that was started), or leave isolate=True away"
        ) from error


class _Pickler(pickle.Pickler):
    """Refers to what is in the main module by the name under which others can import it."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, FunctionType | type) and obj.__module__ in MAIN:
            return found, (_module_of_main(obj.__qualname__), obj.__qualname__)
        return NotImplemented


def _pickled(thing: object) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer).dump(thing)
    return buffer.getvalue()


def _module_of_main(name: str) -> str:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if "<locals>" in name or "<lambda>" in name:
        raise pickle.PicklingError(f"{name} is local to a function, or has no name")
    if spec is None or spec.name in MAIN:
        raise pickle.PicklingError(f"{name} is defined in the script that was started")
    return str(spec.name)


@cache
def found(module: str, name: str) -> Any:
    """Return what a module calls by this name."""
    find: Callable[[Any], Any] = attrgetter(name)
    return find(import_module(module))
