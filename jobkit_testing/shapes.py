"""What a payload has in it, read along the types of its class; and the same without secrets.

A payload's features are what it shows of its type: which fields are there, what kind of value each
has (null, number, text ...), which member of an enum, whether a list or dict is empty. There are
only so many of them to a type, whatever the values are.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, cast

from msgspec import inspect as tree

from jobkit.codec.classes import bare_class, label, sensitive_fields
from jobkit.codec.schema import Named, plain, walk
from jobkit.description import MASK

Object: TypeAlias = dict[str, Any]  # of JSON: a pattern tells that it is a dict, not of what

# What stands for a secret, by the type of its field: of the same form, so that it decodes.
_STAND_INS: Mapping[type[tree.Type], Any] = {
    tree.StrType: MASK,
    tree.IntType: 0,
    tree.FloatType: 0.0,
    tree.BoolType: False,
    tree.BytesType: "",
    tree.ByteArrayType: "",
    tree.DateType: "2000-01-01",
    tree.TimeDeltaType: "PT0S",
    tree.UUIDType: "00000000-0000-0000-0000-000000000000",
    tree.DecimalType: "0",
}
_BY_KIND: Mapping[str, Any] = {"text": MASK, "number": 0, "true or false": False}


def features(schema: tree.Type, payload: bytes) -> frozenset[str]:
    """Return what a payload shows of its type."""
    return frozenset(_features(schema, json.loads(payload), ""))


def lost_fields(schema: tree.Type, payload: bytes) -> list[str]:
    """Return what of a payload its class drops: `$.lines[].price: app.Line has no such field`."""
    return list(dict.fromkeys(_lost(schema, json.loads(payload), "$")))


def without_secrets(schema: tree.Type, payload: bytes) -> bytes:
    """Return the payload with something harmless of the same type in each sensitive field."""
    if not any(map(_has_secrets, walk(schema))):
        return payload
    masked = _masked(schema, json.loads(payload))
    return json.dumps(masked, separators=(",", ":"), ensure_ascii=False).encode()


def _features(info: tree.Type, value: Any, place: str) -> Iterator[str]:
    info = _member(info, value)
    match info, value:
        case ((tree.EnumType() | tree.LiteralType()), _):
            yield f"{place} is {value!r}"
        case ((tree.DataclassType() | tree.TypedDictType()), dict()):
            yield f"{place} is object"
            yield from _features_of_fields(info, cast(Object, value))
        case _, list() | dict():
            yield f"{place} is {'' if value else 'empty '}{_kind(value)}"
            for part, item in _items(info, value):
                yield from _features(part, item, f"{place}[]")
        case _:
            yield f"{place} is {_kind(value)}"


def _features_of_fields(
    info: tree.DataclassType | tree.TypedDictType, value: dict[str, Any]
) -> Iterator[str]:
    for field in info.fields:
        place = f"{bare_class(info).__qualname__}.{field.name}"
        if field.encode_name in value:
            yield from _features(field.type, value[field.encode_name], place)
        else:
            yield f"{place} is missing"


def _lost(info: tree.Type, value: Any, place: str) -> Iterator[str]:
    info = _member(info, value)
    match info, value:
        case ((tree.DataclassType() | tree.TypedDictType()), dict()):
            types = {field.encode_name: field.type for field in info.fields}
            for name, item in cast(Object, value).items():
                if name in types:
                    yield from _lost(types[name], item, f"{place}.{name}")
                else:
                    yield f"{place}.{name}: {label(bare_class(info))} has no such field"
        case _, list() | dict():
            for part, item in _items(info, value):
                yield from _lost(part, item, f"{place}[]")
        case _:
            pass


def _masked(info: tree.Type, value: Any) -> Any:
    info = _member(info, value)
    match info, value:
        case ((tree.DataclassType() | tree.TypedDictType()), dict()):
            secret = _secret_names(info)
            types = {field.encode_name: field.type for field in info.fields}
            entries = cast(Object, value)
            return {
                name: (_stand_in if name in secret else _masked)(types[name], item)
                for name, item in entries.items()
            }
        case _, list():
            return [_masked(part, item) for part, item in _items(info, value)]
        case _, dict():
            names = cast(Object, value)
            parts = _items(info, value)
            return {name: _masked(*part) for name, part in zip(names, parts, strict=True)}
        case _:
            return value


def _stand_in(info: tree.Type, value: Any) -> Any:
    """Return a value of this type that tells nothing of this one but its form."""
    info = _member(info, value)
    match info, value:
        case _, None:
            return None
        case tree.EnumType(cls=cls), _:
            return next(iter(cls)).value
        case tree.LiteralType(values=values), _:
            return values[0]
        case ((tree.DateTimeType() | tree.TimeType()), str()):
            date = "2000-01-01T" if isinstance(info, tree.DateTimeType) else ""
            has_zone = any(sign in value[len(date) :] for sign in "Z+-")
            return f"{date}00:00:00{'Z' if has_zone else ''}"
        case ((tree.DataclassType() | tree.TypedDictType()), dict()):
            types = {field.encode_name: field.type for field in info.fields}
            entries = cast(Object, value)
            return {name: _stand_in(types[name], item) for name, item in entries.items()}
        case ((tree.TupleType() | tree.NamedTupleType()), list()):
            return [_stand_in(part, item) for part, item in _items(info, value)]
        case _, list():
            return []
        case _, dict():
            return {}
        case _:
            return _STAND_INS.get(type(info), _BY_KIND.get(_kind(value)))


def _member(info: tree.Type, value: Any) -> tree.Type:
    """Return the member of a union that a value is of; another type as it is."""
    info = plain(info)
    if not isinstance(info, tree.UnionType):
        return info
    members = [plain(member) for member in info.types]
    fits = [member for member in members if _kind(value) in _kinds(member)]
    return fits[0] if fits else tree.AnyType()


def _kinds(info: tree.Type) -> frozenset[str]:
    """Return how values of a type may look in JSON."""
    match info:
        case tree.NoneType():
            return frozenset({"null"})
        case tree.BoolType():
            return frozenset({"true or false"})
        case tree.IntType() | tree.FloatType():
            return frozenset({"number"})
        case tree.EnumType(cls=cls):
            return frozenset(_kind(member.value) for member in cls)
        case tree.LiteralType(values=values):
            return frozenset(map(_kind, values))
        case tree.CollectionType() | tree.TupleType() | tree.NamedTupleType():
            return frozenset({"list"})
        case tree.DictType() | tree.DataclassType() | tree.TypedDictType():
            return frozenset({"object"})
        case tree.AnyType():
            return frozenset({"null", "true or false", "number", "text", "list", "object"})
        case _:
            return frozenset({"text"})


def _items(info: tree.Type, value: Any) -> Iterator[tuple[tree.Type, Any]]:
    """Yield the items of a list or the values of a dict, each with its type."""
    items: list[Any] = value
    if isinstance(value, dict):
        items = list(cast(Object, value).values())
    match info:
        case tree.CollectionType(item_type=item_type) | tree.DictType(value_type=item_type):
            types = [item_type] * len(items)
        case tree.TupleType(item_types=item_types):
            types = list(item_types)
        case tree.NamedTupleType(fields=fields):
            types = [field.type for field in fields]
        case _:
            types = [tree.AnyType() for _ in items]
    yield from zip(types, items, strict=False)  # a named tuple may leave its last fields out


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case _:
            return "object"


def _secret_names(info: Named) -> frozenset[str]:
    cls = bare_class(info)
    return sensitive_fields(cls) if dataclasses.is_dataclass(cls) else frozenset()


def _has_secrets(info: tree.Type) -> bool:
    return isinstance(info, tree.DataclassType) and bool(_secret_names(info))
