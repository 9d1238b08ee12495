"""Finds what an annotation means, where the function was written."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Unresolved:
    """An annotation with names that are not to be found at run time."""

    text: str
    why: str


def resolve(annotation: object, function: Callable[..., Any]) -> object:
    """Return what an annotation of a function means, or an `Unresolved`.

    The names in a text are looked up as Python would: in the function's closure, in the
    functions and classes around it that are still running (so, in those that decorate it), in
    its module.
    """
    sources = list(_sources(function))
    if not sources:
        return annotation  # of something built in
    innermost = sources[-1]
    module_names = {name: it for source in sources for name, it in source.__globals__.items()}
    try:
        return _evaluate(annotation, module_names, _names_around(innermost))
    except Exception as error:
        return Unresolved(text_of(annotation), str(error))


def members(annotation: object) -> tuple[object, ...]:
    """Take a union apart, through aliases; anything else is its own only member."""
    annotation = getattr(annotation, "__value__", annotation)  # type X = A | B
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return tuple(m for part in typing.get_args(annotation) for m in members(part))
    return (annotation,)


def text_of(annotation: object) -> str:
    """Write an annotation as its author did, near enough."""
    if annotation is types.NoneType:
        return "None"
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _layers(function: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Look through partials, bound methods, callable objects and `functools.wraps`."""
    layer: Any = function
    while layer is not None:
        if isinstance(layer, functools.partial):
            layer = layer.func
        elif isinstance(layer, types.MethodType):
            layer = layer.__func__
        elif hasattr(layer, "__wrapped__"):
            layer = layer.__wrapped__
        elif isinstance(layer, types.FunctionType | types.BuiltinFunctionType):
            return
        else:
            call = layer.__class__.__call__
            layer = call if isinstance(call, types.FunctionType) else None
        if layer is not None:
            yield layer


def _sources(function: Callable[..., Any]) -> Iterator[types.FunctionType]:
    for layer in (function, *_layers(function)):
        if isinstance(layer, types.FunctionType):
            yield layer


def _evaluate(annotation: object, module: dict[str, Any], around: dict[str, Any]) -> object:
    def holder() -> None: ...

    holder.__annotations__ = {"it": annotation}
    return typing.get_type_hints(holder, module, around)["it"]


def _names_around(function: types.FunctionType) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for frame in _frames_around(function):
        names = {**frame.f_locals, **names}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return names | {p.__name__: p for p in getattr(function, "__type_params__", ())}


def _frames_around(function: types.FunctionType) -> Iterator[types.FrameType]:
    """Yield the running functions and classes whose body defines this one, nearest first."""
    frame = inspect.currentframe()
    while frame is not None:
        around = f"{frame.f_code.co_qualname}."
        if frame.f_globals is function.__globals__ and function.__qualname__.startswith(around):
            yield frame
        frame = frame.f_back
