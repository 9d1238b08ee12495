"""Reads off a callable what it handles and how it is called."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from inspect import Parameter
from typing import Any, TypeAlias, get_origin

from jobkit.annotations import Unresolved, members, resolve, text_of
from jobkit.context import JobContext
from jobkit.errors import InvalidHandler
from jobkit.protocols import AsyncEnqueuer

Function: TypeAlias = Callable[..., Any]

HANDLERS = (
    "accepted: f(job: Job) or f(job: Job, ctx: JobContext), def or async def; a function, bound "
    "method, callable object or functools.partial; Job is a dataclass or a union of dataclasses; "
    "any other parameter has a default"
)
MIDDLEWARE = "accepted: mw(ctx, call_next), def or async def"
_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_VARIADIC = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How to call a handler (`classes`: of which jobs) or a middleware."""

    name: str
    function: Function
    is_async: bool
    classes: tuple[type, ...] = ()
    wants_context: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """A callable as it was given, and the words to refuse it."""

    name: str
    function: Function
    parameters: tuple[Parameter, ...]
    accepted: str

    def refusal(self, why: str) -> InvalidHandler:
        text = ", ".join(map(_parameter_text, self.parameters))
        keyword = "async def" if is_async(self.function) else "def"
        return InvalidHandler(f"{why}\n{self.accepted}\ngiven: {keyword} {self.name}({text})")


def read_handler(handler: object, *, job: object = None) -> Shape:
    """Read a handler's shape; raises `InvalidHandler`, with the accepted forms and this one.

    `job`: the job type, if the annotation does not give it.
    """
    given = _read(handler, accepted=HANDLERS)
    required = [p for p in given.parameters if p.default is p.empty]
    positional = [p for p in given.parameters if p.kind in _POSITIONAL]
    if wrong := [p for p in required if p.kind not in _POSITIONAL or p in positional[2:]]:
        raise given.refusal(f"nothing to give for {str(wrong[0])!r} of {given.name}")
    if not positional:
        raise given.refusal(f"{given.name} takes no job")
    return Shape(
        name=given.name,
        function=given.function,
        is_async=is_async(given.function),
        classes=_classes(given, positional[0], job),
        wants_context=len(positional) > 1 and _takes_context(given, positional[1]),
    )


def read_middleware(middleware: object) -> Shape:
    """Read a middleware's shape; raises `InvalidHandler`, with the accepted form and this one."""
    given = _read(middleware, accepted=MIDDLEWARE)
    required = [p for p in given.parameters if p.default is p.empty]
    if len(required) != 2 or any(p.kind not in _POSITIONAL for p in required):
        raise given.refusal(f"{given.name} does not take the two arguments of a middleware")
    return Shape(name=given.name, function=given.function, is_async=is_async(given.function))


def is_async(function: Function) -> bool:
    """Tell whether calling this makes a coroutine."""
    return _any_layer(inspect.iscoroutinefunction, function)


def name_of(function: Function) -> str:
    """Return a callable's module and qualified name, e.g. `app.mail.send`."""
    if isinstance(function, functools.partial):
        return name_of(function.func)
    named: Any = function if hasattr(function, "__qualname__") else type(function)
    module = getattr(named, "__module__", None)
    return named.__qualname__ if module in (None, "builtins") else f"{module}.{named.__qualname__}"


def _read(handler: object, *, accepted: str) -> _Given:
    if isinstance(handler, staticmethod):
        handler = handler.__func__
    if isinstance(handler, classmethod):
        raise InvalidHandler(
            f"{handler!r} is not bound to its class yet; register it below the class\n{accepted}"
        )
    if isinstance(handler, type) or not callable(handler):
        kind = "a class" if isinstance(handler, type) else "not callable"
        raise InvalidHandler(f"{handler!r} is {kind}\n{accepted}\ngiven: {handler!r}")
    try:
        parameters = _parameters(handler)
    except (TypeError, ValueError) as error:
        raise InvalidHandler(f"no signature: {error}\n{accepted}\ngiven: {handler!r}") from error
    given = _Given(
        name=name_of(handler), function=handler, parameters=parameters, accepted=accepted
    )
    if _any_layer(inspect.isgeneratorfunction, handler) or _any_layer(
        inspect.isasyncgenfunction, handler
    ):
        raise given.refusal(f"{given.name} has a yield: calling it would not run it")
    return given


def _parameters(function: Function) -> tuple[Parameter, ...]:
    own = tuple(_signature(function, follow_wrapped=False).parameters.values())
    if any(p.kind in _VARIADIC for p in own):
        # The (*args, **kwargs) of a decorator hands on to what it wraps.
        return tuple(_signature(function, follow_wrapped=True).parameters.values())
    return own


def _signature(function: Function, *, follow_wrapped: bool) -> inspect.Signature:
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        # Names that only type checkers import must not stop the reading of the others.
        return inspect.signature(
            function, follow_wrapped=follow_wrapped, annotation_format=Format.FORWARDREF
        )
    return inspect.signature(function, follow_wrapped=follow_wrapped)


def _any_layer(check: Callable[[object], bool], function: Function) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    cls: Any = type(function)
    return check(function) or check(cls.__call__)


def _classes(given: _Given, parameter: Parameter, job: object) -> tuple[type, ...]:
    """Return the classes that a handler is for: those of the annotation, or `job`."""
    named = None if job is None else _dataclass(job)
    if job is not None and named is None:
        raise given.refusal(f"job={job!r} is no dataclass")
    which = f"{parameter.name!r} of {given.name}"
    if parameter.annotation is parameter.empty:
        if named is not None:
            return (named,)
        raise given.refusal(f"no job type: {which} has no annotation. {_advice(given, parameter)}")
    meaning = resolve(parameter.annotation, given.function)
    if named is not None:
        if _disagree(named, meaning):
            text = text_of(parameter.annotation)
            raise given.refusal(f"job={named.__qualname__}, but {which} is annotated {text}")
        return (named,)
    if isinstance(meaning, Unresolved):
        raise given.refusal(
            f"no job type: {which} is annotated {meaning.text}, which is not to be found at run "
            f"time ({meaning.why}). Import it outside of TYPE_CHECKING, or give job="
        )
    return tuple(_member(given, which, member) for member in members(meaning))


def _member(given: _Given, which: str, annotation: object) -> type:
    cls = _dataclass(annotation)
    if cls is None:
        text = text_of(annotation)
        raise given.refusal(f"no job type: {which} is annotated {text}, which is no dataclass")
    return cls


def _dataclass(cls: object) -> type | None:
    return cls if isinstance(cls, type) and is_dataclass(cls) else None


def _advice(given: _Given, parameter: Parameter) -> str:
    if parameter.name in ("self", "cls"):
        return "Register the bound method: register(obj.method)"
    name = given.name.rpartition(".")[2]
    name = name if name.isidentifier() else "handler"
    return f"Write {name}({parameter.name}: SendWelcome), or register({name}, job=SendWelcome)"


def _disagree(job: type, meaning: object) -> bool:
    """Tell whether a job of this class is none of what the annotation says."""
    return not any(
        it is Any or not isinstance(it, type) or _is_subclass(job, it) for it in members(meaning)
    )


def _is_subclass(cls: type, of: type) -> bool:
    try:
        return issubclass(cls, of)
    except TypeError:  # a protocol that is not made for run time: type checkers judge it
        return True


def _takes_context(given: _Given, parameter: Parameter) -> bool:
    """Tell whether the second parameter is for the context; False if it has its own default."""
    which = f"{parameter.name!r} of {given.name}"
    has_default = parameter.default is not parameter.empty
    if parameter.annotation is parameter.empty:
        if has_default:
            raise given.refusal(
                f"unclear whether {which} is for the JobContext: annotate it, or put it behind a *"
            )
        return True
    meaning = resolve(parameter.annotation, given.function)
    if isinstance(meaning, Unresolved):
        # Often imported for type checkers only; its name is enough.
        fits = not {"JobContext", "Enqueuer"}.isdisjoint(re.findall(r"\w+", meaning.text))
    else:
        fits = any(map(_is_context, members(meaning)))
    if not fits and not has_default:
        text = text_of(parameter.annotation)
        raise given.refusal(f"{which} is annotated {text}; the second argument is a JobContext")
    return fits


def _is_context(annotation: object) -> bool:
    if annotation is Any or annotation is object:
        return True
    cls = get_origin(annotation) or annotation
    # Protocols compare names only: by them, JobContext would be an AsyncEnqueuer too.
    if not isinstance(cls, type) or AsyncEnqueuer in cls.__mro__:
        return False
    return _is_subclass(JobContext, cls)


def _parameter_text(parameter: Parameter) -> str:
    stars: dict[object, str] = {Parameter.VAR_POSITIONAL: "*", Parameter.VAR_KEYWORD: "**"}
    text = stars.get(parameter.kind, "") + parameter.name
    if parameter.annotation is not parameter.empty:
        text += f": {text_of(parameter.annotation)}"
    return text if parameter.default is parameter.empty else f"{text} = ..."
