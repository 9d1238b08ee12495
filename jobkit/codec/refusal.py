"""Which field of a dataclass msgspec refuses: it tells the rule, but not the field."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

from msgspec import inspect as tree

from jobkit.codec.classes import label
from jobkit.errors import InvalidJob


class UnresolvedAnnotation(InvalidJob):
    """An annotation names what is not there, or not there yet."""


def explain(cls: type[Any], path: str) -> None:
    """Raise `InvalidJob` for the innermost field that cannot be stored; return if there is none."""
    _explain(cls, path, set())


def _explain(cls: type[Any], path: str, seen: set[type[Any]]) -> None:
    seen.add(cls)
    hints = _hints(cls, path)
    for name, hint in hints.items():
        if hint is dataclasses.InitVar or isinstance(hint, dataclasses.InitVar):
            rule = "an InitVar is not kept in the object and cannot be stored; make it a field"
            raise InvalidJob(f"{path}.{name}: {rule}")
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        for inner in _dataclasses_in(hint):
            if inner not in seen:
                _explain(inner, f"{path}.{field.name}", seen)
        _try(hint, f"{path}.{field.name}")


def _try(hint: Any, path: str) -> None:
    try:
        tree.type_info(hint)
    # Annotations run code of the user's, which may raise anything.
    except Exception as error:
        rule, _, _ = str(error).partition(" - type `")
        if rule.startswith("Type unions"):
            rule = f"JSON cannot tell the members of {label(hint)} apart. {rule}; split the field"
        raise InvalidJob(f"{path}: {rule}") from None


def _dataclasses_in(hint: Any) -> Iterator[type[Any]]:
    for part in (hint, get_origin(hint)):
        if isinstance(part, type) and dataclasses.is_dataclass(part):
            yield part
    for argument in get_args(hint):
        yield from _dataclasses_in(argument)


def _hints(cls: type[Any], path: str) -> dict[str, Any]:
    try:
        return get_type_hints(cls)
    except Exception as error:
        found = _find_unresolved(cls, path)
        raise found or UnresolvedAnnotation(f"{path}: {error}") from None


def _find_unresolved(cls: type[Any], path: str) -> UnresolvedAnnotation | None:
    for base in cls.__mro__:
        for name, annotation in inspect.get_annotations(base).items():
            # A class of this field alone, in the same module: does it resolve?
            body = {"__annotations__": {name: annotation}, "__module__": base.__module__}
            try:
                get_type_hints(type(base.__name__, (), body), localns=dict(vars(base)))
            except Exception as error:
                reason = _reason(error, base.__module__)
                return UnresolvedAnnotation(f"{path}.{name}: annotated {annotation!r}: {reason}")
    return None


def _reason(error: Exception, module: str) -> str:
    if not isinstance(error, NameError):
        return str(error)
    return (
        f"{error.name!r} is not defined in {module}; define or import it at the top of the module, "
        "not in a function or under TYPE_CHECKING"
    )
