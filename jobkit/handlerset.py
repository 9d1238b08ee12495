"""All handlers of one backend, put together: which code runs for a stored type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jobkit.errors import InvalidOption, InvalidSchedule
from jobkit.handlers import (
    Contents,
    EnqueueHook,
    Handlers,
    Registration,
    check_chain,
    check_free,
)
from jobkit.hooks import Hooks
from jobkit.protocols import Schedule
from jobkit.signature import Shape


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """How to run the jobs of one type: the handler, and what is around it, outermost first.

    `is_async`: it needs an event loop, because the handler or a middleware is async. The first
    `async_depth` middlewares are async; all after them is sync, or the handler is async.
    `is_isolated`: a worker runs it in a process of its own.
    """

    registration: Registration
    function: Callable[..., Any]
    wants_context: bool
    is_async: bool
    is_isolated: bool
    middleware: tuple[Shape, ...]
    async_depth: int
    hooks: tuple[Hooks, ...]


class HandlerSet:
    """The handlers of one backend: its own, whose middleware and hooks are for all, and others'.

    What is registered later takes effect: `version` grows with each change. Reading takes no
    lock.
    """

    def __init__(self, own: Handlers, groups: Handlers | Iterable[Handlers] = ()) -> None:
        """Raise `InvalidHandler` if a type has handlers in two of them."""
        self.own = own
        self.groups: tuple[Handlers, ...] = ()
        self.version = 0
        self.enqueue_hooks: tuple[EnqueueHook, ...] = ()
        self.rules: Mapping[str, Schedule] = {}
        self._calls: dict[str, Call] = {}
        for group in (own, *([groups] if isinstance(groups, Handlers) else groups)):
            # Types are a promise that user code may break at run time.
            if not isinstance(group, Handlers):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise InvalidOption(f"handlers= takes Handlers, not {group!r}")
            if group not in self.groups:
                group.join(self)
                self.groups = (*self.groups, group)
        self.changed()

    def find(self, type_name: str) -> Registration | None:
        """Return the handler of a stored name or alias."""
        for group in self.groups:
            if registration := group.contents.registrations.get(type_name):
                return registration
        return None

    def names(self) -> list[str]:
        """List the stored names and aliases that have handlers."""
        return [name for group in self.groups for name in group.contents.registrations]

    @property
    def owners(self) -> list[str]:
        """Whose schedules these may declare: of all that have something registered."""
        groups = (group for group in self.groups if group.name or not group.contents.is_empty)
        return sorted({group.owner for group in groups})

    def call(self, type_name: str) -> Call | None:
        """Return how to run the jobs of a stored name; kept until something changes."""
        known = self._calls
        call = known.get(type_name)
        if call is None and (registration := self.find(type_name)):
            # If something changes meanwhile, what is written here is thrown away with `known`.
            call = known[type_name] = self._plan(registration)
        return call

    def check(self, group: Handlers, contents: Contents) -> None:
        """Raise `InvalidHandler` if a group with these contents would not fit."""
        others = [other for other in self.groups if other is not group]
        for other in others:
            present = other.contents.registrations
            for name in contents.registrations.keys() & present.keys():
                check_free(name, contents.registrations[name], present)
            _check_schedules(contents, other.contents)
        if group is self.own:
            for other in others:
                inner = other.contents
                check_chain(contents.middleware + inner.middleware, inner.registrations.values())
        else:
            outer = self.own.contents.middleware
            check_chain(outer + contents.middleware, contents.registrations.values())

    def changed(self) -> None:
        """Take note that a group has changed."""
        self._calls = {}
        self.enqueue_hooks = tuple(
            hook for group in self.groups for hook in group.contents.enqueue_hooks
        )
        self.rules = {
            name: rule for group in self.groups for name, rule in group.contents.rules.items()
        }
        self.version += 1

    def _plan(self, registration: Registration) -> Call:
        around = [self.own.contents]
        if registration.handlers is not self.own:
            around.append(registration.handlers.contents)
        middleware = tuple(shape for contents in around for shape in contents.middleware)
        async_depth = sum(shape.is_async for shape in middleware)
        return Call(
            registration=registration,
            function=registration.function,
            wants_context=registration.wants_context,
            is_async=registration.is_async or async_depth > 0,
            is_isolated=registration.job_type.options.get("isolate", False),
            middleware=middleware,
            async_depth=async_depth,
            hooks=tuple(hooks for contents in around for hooks in contents.hooks),
        )


def _check_schedules(contents: Contents, present: Contents) -> None:
    """Raise `InvalidSchedule` if two groups use one name for different schedules or rules."""
    for name in contents.schedules.keys() & present.schedules.keys():
        raise InvalidSchedule(
            f"two Handlers declare a schedule {name!r}: a name is one schedule of all queues and "
            "owners; give one of them another name="
        )
    for name in contents.rules.keys() & present.rules.keys():
        if contents.rules[name] is not present.rules[name]:
            raise InvalidSchedule(
                f"two rules have the name {name!r}: {present.rules[name]!r} and "
                f"{contents.rules[name]!r}; give each its own"
            )
