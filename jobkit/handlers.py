"""What an application registers: handlers, middleware, hooks, schedules."""

from __future__ import annotations

import inspect
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias, TypeVar, Unpack, overload

from jobkit.checks import plain_name, queue_name
from jobkit.codec import label
from jobkit.context import JobContext
from jobkit.errors import InvalidHandler, InvalidOption, InvalidSchedule
from jobkit.hooks import Hooks
from jobkit.jobtype import DataclassLike, JobType, job_type
from jobkit.options import EnqueueOptions, ScheduleOptions
from jobkit.plan import Plan, check_rule, plan
from jobkit.protocols import H, Schedule
from jobkit.signature import HANDLERS, Shape, read_handler, read_middleware

Middleware: TypeAlias = Callable[[JobContext, Callable[[], Any]], object]
EnqueueHook: TypeAlias = Callable[[Any, EnqueueOptions], EnqueueOptions | None]
M = TypeVar("M", bound=Middleware)
E = TypeVar("E", bound=EnqueueHook)

DEFAULT_OWNER = "default"

# Rare, and one registration may concern several sets of handlers: one lock for all.
_CHANGES = threading.RLock()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Registration:
    """A handler of one job type; `handlers` is where it was registered."""

    job_type: JobType[Any]
    name: str
    function: Callable[..., Any]
    wants_context: bool
    is_async: bool
    handlers: Handlers

    @property
    def type_names(self) -> tuple[str, ...]:
        """The stored names that lead here: the type's own, then its aliases."""
        return (self.job_type.name, *self.job_type.aliases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All that is registered in one place; replaced as a whole, so that readers take no lock."""

    registrations: Mapping[str, Registration]
    middleware: tuple[Shape, ...] = ()
    hooks: tuple[Hooks, ...] = ()
    enqueue_hooks: tuple[EnqueueHook, ...] = ()
    schedules: Mapping[str, Plan] = field(default_factory=lambda: MappingProxyType({}))
    rules: Mapping[str, Schedule] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that a worker could do."""
        return not (self.registrations or self.schedules or self.rules)


class Neighbours(Protocol):
    """The handlers of one backend, which have to fit together (`HandlerSet`)."""

    def check(self, group: Handlers, contents: Contents) -> None:
        """Raise `InvalidHandler` if a group with these contents would not fit."""
        ...

    def changed(self) -> None:
        """Take note that a group has changed."""
        ...


class Handlers:
    """Handlers, middleware, hooks and schedules: the same object for production and for tests.

    Middleware and hooks are for the handlers of the same `Handlers`. All may be added at any
    time; a worker that runs takes note.
    """

    def __init__(self, name: str | None = None) -> None:
        """Take a name, by which declared schedules tell their owner (default: "default")."""
        if name is not None and (complaint := queue_name(name)):
            raise InvalidOption(f"Handlers: name={name!r}: {complaint}")
        self.name = name
        self.contents = Contents(registrations=MappingProxyType({}))
        # Weak: these live as long as the application, backends come and go with each test.
        self._backends: weakref.WeakSet[Neighbours] = weakref.WeakSet()

    def __repr__(self) -> str:
        name = "" if self.name is None else repr(self.name)
        return f"<Handlers({name}) of {', '.join(self.contents.registrations) or 'nothing'}>"

    @property
    def owner(self) -> str:
        """Whose the schedules are that are declared here."""
        return DEFAULT_OWNER if self.name is None else plain_name(self.name)

    @property
    def registrations(self) -> Mapping[str, Registration]:
        """What is registered, by stored name and by alias."""
        return self.contents.registrations

    @overload
    def register(self, handler: H, /, *, job: type | None = None) -> H: ...
    @overload
    def register(self, /, *, job: type) -> Callable[[H], H]: ...
    def register(
        self, handler: Callable[..., object] | None = None, /, *, job: type | None = None
    ) -> Any:
        """Make a function the handler of the job type that its first parameter is annotated with.

        Returns the function: it is a decorator as well, also as `@register(job=SendWelcome)`.
        Raises `InvalidHandler`, or `InvalidJob` for a type that cannot be stored.
        """
        if handler is not None:
            self._register(handler, job)
            return handler
        if job is None:
            raise InvalidHandler(f"register() was given nothing\n{HANDLERS}")

        def decorator(handler: H) -> H:
            self._register(handler, job)
            return handler

        return decorator

    def middleware(self, fn: M) -> M:
        """Wrap each handler: `mw(ctx, call_next)`, where `call_next()` runs what is inside.

        The first one registered is the outermost. Async middleware fits every handler, sync
        middleware only sync ones, and goes inside of async middleware. Returns the function.
        """
        shape = read_middleware(fn)
        with _CHANGES:
            added = (*self.contents.middleware, shape)
            self._change(replace(self.contents, middleware=added))
        return fn

    def hooks(self, hooks: Hooks) -> None:
        """Call these after a job of one of these handlers has moved."""
        # Types are a promise that user code may break at run time.
        if not isinstance(hooks, Hooks):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidHandler(f"hooks() takes Hooks(on_start=...), not {hooks!r}")
        with _CHANGES:
            self._change(replace(self.contents, hooks=(*self.contents.hooks, hooks)))

    def on_enqueue(self, fn: E) -> E:
        """Call `fn(job, options)` before each enqueue; options that it returns replace these."""
        given: object = fn
        if not callable(given) or inspect.iscoroutinefunction(given):
            raise InvalidHandler(f"on_enqueue takes a plain function (job, options), not {given!r}")
        with _CHANGES:
            added: tuple[EnqueueHook, ...] = (*self.contents.enqueue_hooks, fn)
            self._change(replace(self.contents, enqueue_hooks=added))
        return fn

    def schedule(
        self,
        spec: str | timedelta | Schedule,
        job: DataclassLike,
        /,
        **options: Unpack[ScheduleOptions],
    ) -> str:
        """Declare a schedule, and return its name: workers with these handlers put it.

        One that is declared no more is removed ten minutes after the last worker that declared
        it, as long as another one of the same name (of these `Handlers`) is alive. Raises
        `InvalidSchedule`, `InvalidOption` or `InvalidJob`.
        """
        asked = plan(spec, job, options, of="Handlers.schedule")
        with _CHANGES:
            present = self.contents.schedules.get(asked.name)
            if present is not None and not present.is_same(asked):
                raise InvalidSchedule(
                    f"Handlers.schedule: {asked.name!r} is declared already, as {present.spec!r} "
                    f"of {present.job_type.name}; give each a name="
                )
            if asked.known_rule is not None and isinstance(asked.rule, Schedule):
                self.rule(asked.rule)
            schedules = MappingProxyType({**self.contents.schedules, asked.name: asked})
            self._change(replace(self.contents, schedules=schedules))
        return asked.name

    def rule(self, schedule: Schedule) -> None:
        """Make a `Schedule` known: only who knows it can fire what is scheduled by it."""
        name = check_rule(schedule)
        with _CHANGES:
            present = self.contents.rules.get(name)
            if present is not None and present is not schedule:
                raise InvalidSchedule(
                    f"Handlers.rule: two rules have the name {name!r}: {present!r} and "
                    f"{schedule!r}; give each its own"
                )
            rules = MappingProxyType({**self.contents.rules, name: schedule})
            self._change(replace(self.contents, rules=rules))

    def join(self, backend: Neighbours, /) -> None:
        """Ask a backend's handlers whether this fits, now and before each change, and tell them."""
        with _CHANGES:
            backend.check(self, self.contents)
            self._backends.add(backend)

    def _register(self, handler: Callable[..., object], job: type | None) -> None:
        shape = read_handler(handler, job=job)
        with _CHANGES:
            registrations = dict(self.contents.registrations)
            for cls in shape.classes:
                registration = Registration(
                    job_type=job_type(cls),
                    name=shape.name,
                    function=shape.function,
                    wants_context=shape.wants_context,
                    is_async=shape.is_async,
                    handlers=self,
                )
                for name in registration.type_names:
                    check_free(name, registration, registrations)
                    registrations[name] = registration
            self._change(replace(self.contents, registrations=MappingProxyType(registrations)))

    def _change(self, contents: Contents) -> None:
        check_chain(contents.middleware, contents.registrations.values())
        for backend in self._backends:
            backend.check(self, contents)
        self.contents = contents
        for backend in self._backends:
            backend.changed()


def check_free(
    name: str, given: Registration, registrations: Mapping[str, Registration], /
) -> None:
    """Raise `InvalidHandler` if a stored name has a handler already."""
    present = registrations.get(name)
    if present is None:
        return
    here, there = given.job_type.cls, present.job_type.cls
    if here is not there:
        raise InvalidHandler(
            f"two job types are stored as {name!r}: {label(there)}, handled by {present.name}, and "
            f"{label(here)}, handled by {given.name}. Rename one: @job(name=...)"
        )
    raise InvalidHandler(
        f"a second handler for {label(here)}: {present.name} of {present.handlers!r} has it, "
        f"{given.name} was given. A job type has one handler\n{HANDLERS}\ngiven: {given.name}"
    )


def check_chain(middleware: Sequence[Shape], registrations: Iterable[Registration], /) -> None:
    """Raise `InvalidHandler` if sync middleware would have to wait for something async."""
    sync = next((m for m in middleware if not m.is_async), None)
    if sync is None:
        return
    if inner := next((m for m in middleware[middleware.index(sync) :] if m.is_async), None):
        raise InvalidHandler(
            f"sync middleware {sync.name} cannot wrap async middleware {inner.name}: make it "
            "async, or register it after the async one"
        )
    if inside := next((r for r in registrations if r.is_async), None):
        raise InvalidHandler(
            f"sync middleware {sync.name} cannot wrap async handler {inside.name}: make it "
            "async def mw(ctx, call_next), which fits every handler"
        )
