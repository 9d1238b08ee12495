"""Classes as messages and annotations name them."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Protocol, TypeVar, get_origin

from msgspec import inspect as tree


class DataclassLike(Protocol):
    """Any dataclass, for type checkers."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


J = TypeVar("J", bound=DataclassLike)


def label(cls: Any) -> str:
    """Return a class's name as messages print it.

    >>> label(int), label(ValueError), label(DataclassLike), label(list[int])
    ('int', 'ValueError', 'jobkit.codec.classes.DataclassLike', 'list[int]')
    """
    if not isinstance(cls, type) or get_origin(cls) is not None:
        return str(cls)
    if cls.__module__ == "builtins":
        return cls.__qualname__
    return f"{cls.__module__}.{cls.__qualname__}"


def plain_class(cls: type[Any]) -> type[Any]:
    """Return the class that this one stands for: freezegun swaps datetime and date for its own.

    Its fakes appear as values, and as annotations that are read while time is frozen. Without
    this a frozen test would refuse jobs that production takes.
    """
    if not cls.__module__.startswith("freezegun."):
        return cls
    return next((base for base in cls.__mro__ if base.__module__ == "datetime"), cls)


def bare_class(info: tree.DataclassType | tree.TypedDictType | tree.NamedTupleType) -> type[Any]:
    """Return the class in the tree without its type parameters: `Box` for `Box[int]`."""
    origin: type[Any] | None = get_origin(info.cls)
    return origin or info.cls


def sensitive_fields(cls: type[DataclassLike]) -> frozenset[str]:
    """Return the fields of a dataclass that are marked `metadata={"sensitive": True}`."""
    fields = dataclasses.fields(cls)
    return frozenset(field.name for field in fields if field.metadata.get("sensitive"))
