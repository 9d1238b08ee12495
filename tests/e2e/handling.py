"""Handlers that many end-to-end tests share; `register(handler, job=...)` says of which type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from jobkit import JobContext

Handler: TypeAlias = Callable[[Any], object]
WithContext: TypeAlias = Callable[[Any, JobContext], object]


def do_nothing(job: Any) -> None:
    """Succeed."""


def returning(value: object) -> Handler:
    """Return a handler whose jobs have this result."""

    def handler(job: Any) -> object:
        return value

    return handler


def calling(function: Callable[[Any], object]) -> Handler:
    """Return a handler that gives its job to a function."""

    def handler(job: Any) -> object:
        return function(job)

    return handler


def collecting(numbers: list[int]) -> Handler:
    """Return a handler that notes the number of each job."""

    def handler(job: Any) -> None:
        numbers.append(job.n)

    return handler


def looking(function: Callable[[JobContext], object]) -> WithContext:
    """Return a handler that gives its context to a function."""

    def handler(job: Any, ctx: JobContext) -> None:
        function(ctx)

    return handler
