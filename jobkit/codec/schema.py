"""What the annotations of a dataclass say: a tree of types, or a refusal that names the field.

msgspec reads the annotations. Some types it takes in good faith; they are refused here, because
they would not come back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime, time
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias

from msgspec import inspect as tree

from jobkit.codec.classes import DataclassLike, bare_class, label, plain_class
from jobkit.codec.refusal import explain
from jobkit.errors import InvalidJob

# The types with named fields; they alone may contain themselves.
Named: TypeAlias = tree.DataclassType | tree.NamedTupleType | tree.TypedDictType

ANY = tree.AnyType()

# msgspec takes these for foreign classes: `object` always, the others while freezegun hides them.
_KNOWN_AFTER_ALL: dict[tuple[str, str], tree.Type] = {
    ("builtins", "object"): ANY,
    ("datetime", "datetime"): tree.DateTimeType(),
    ("datetime", "date"): tree.DateType(),
}

# What the keys of a dict may be: each has one text, which decodes to it again.
_KEYS = (
    tree.AnyType,
    tree.StrType,
    tree.IntType,
    tree.FloatType,
    tree.BytesType,
    tree.DateTimeType,
    tree.DateType,
    tree.TimeType,
    tree.TimeDeltaType,
    tree.UUIDType,
    tree.DecimalType,
    tree.EnumType,
    tree.LiteralType,
)

_CLASSES: dict[type[tree.Type], type[Any]] = {
    tree.FloatType: float,
    tree.DecimalType: Decimal,
    tree.DateTimeType: plain_class(datetime),
    tree.TimeType: time,
    tree.ListType: list,
    tree.SetType: set,
    tree.FrozenSetType: frozenset,
    tree.TupleType: tuple,
    tree.VarTupleType: tuple,
    tree.DictType: dict,
    tree.TypedDictType: dict,
}


def schema_of(cls: type[DataclassLike]) -> tree.Type:
    """Return the tree of a dataclass's types, all of which JSON can carry.

    Raise `InvalidJob` that names the field and the rule for anything else, and its subclass
    `UnresolvedAnnotation` if a name in an annotation is not found.
    """
    try:
        schema = tree.type_info(cls)
    # Annotations run code of the user's, which may raise anything.
    except Exception as error:
        explain(cls, label(cls))
        raise InvalidJob(f"{label(cls)}: {error}") from None
    _check(schema, label(cls), set())
    return schema


def plain(info: tree.Type) -> tree.Type:
    """Return the type without documentation, and without what hides a known type."""
    match info:
        case tree.Metadata(type=inner):
            return plain(inner)
        case tree.UnionType(types=types) if ANY in map(plain, types):
            return ANY
        case tree.CustomType(cls=cls):
            hidden = plain_class(cls)
            return _KNOWN_AFTER_ALL.get((hidden.__module__, hidden.__qualname__), info)
        case _:
            return info


def class_of(info: tree.Type) -> type[Any] | None:
    """Return the class that tells a type from the other members of a union, if it matters."""
    match info:
        case tree.DataclassType() | tree.NamedTupleType():
            return bare_class(info)
        case _:
            return _CLASSES.get(type(info))


def members(info: tree.Type) -> Iterator[tuple[str, tree.Type]]:
    """Yield the types that this one is made of, each with its part of the path."""
    yield from ((segment, plain(member)) for segment, member in _members(info))


def _members(info: tree.Type) -> Iterator[tuple[str, tree.Type]]:
    match info:
        case tree.UnionType(types=types):
            yield from (("", member) for member in types)
        case tree.CollectionType(item_type=item):
            yield "[]", item
        case tree.TupleType(item_types=types):
            yield from ((f"[{index}]", item) for index, item in enumerate(types))
        case tree.DictType(key_type=key, value_type=value):
            yield from (("[]", key), ("[]", value))
        case tree.DataclassType() | tree.TypedDictType() | tree.NamedTupleType():
            yield from ((f".{field.name}", field.type) for field in info.fields)
        case _:
            pass


def walk(info: tree.Type) -> Iterator[tree.Type]:
    """Yield this type and all below it, each once."""
    seen: set[int] = set()
    waiting = [info]
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            waiting.extend(member for _, member in members(node))
            yield node


def _check(info: tree.Type, path: str, seen: set[int]) -> None:
    if id(info) in seen:
        return
    seen.add(id(info))
    _check_one(info, path)
    for segment, member in members(info):
        _check(member, path + segment, seen)


def _check_one(info: tree.Type, path: str) -> None:
    match info:
        case tree.CustomType(cls=cls):
            _refuse(path, f"{label(cls)} has no JSON form; store an id, a name or plain data")
        case tree.RawType() | tree.ExtType() | tree.MemoryViewType() | tree.StructType():
            _refuse(
                path, "memoryview and classes of msgspec have no place in a job; use dataclasses"
            )
        case tree.DictType(key_type=key) if not _is_key(plain(key)):
            _refuse(path, "a dict's keys are stored as text; use str, int, UUID, Enum or date")
        case tree.DataclassType():
            _check_fields(bare_class(info), path)
        case _:
            pass


def _is_key(info: tree.Type) -> bool:
    if isinstance(info, tree.UnionType):
        return all(_is_key(member) for _, member in members(info))
    return isinstance(info, _KEYS)


def _check_fields(cls: type[Any], path: str) -> None:
    if not dataclasses.is_dataclass(cls):
        _refuse(path, f"{label(cls)} is not a dataclass; make it one")
    for field in dataclasses.fields(cls):
        if not field.init:
            rule = "a field with init=False is not stored; make it a property or a plain field"
            _refuse(f"{path}.{field.name}", rule)


def _refuse(path: str, rule: str) -> NoReturn:
    raise InvalidJob(f"{path}: {rule}")
