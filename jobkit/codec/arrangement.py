"""Values in an order that depends on nothing but the values: same job, same bytes.

msgspec sorts what Python can sort. Sets of enums, of tuples or of several types, and dicts whose
keys are not text, are brought into order here. A fingerprint goes further: jobs that are equal
have the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any, TypeAlias

import msgspec
from msgspec import inspect as tree

from jobkit.clock import EPOCH
from jobkit.codec.classes import plain_class
from jobkit.codec.schema import Named, class_of, members, plain, walk

Arrangement: TypeAlias = Callable[[Any], Any]  # of a value: what msgspec shall write for it
Write: TypeAlias = Callable[[Any], bytes]

_SORTED_BY_MSGSPEC = (
    tree.IntType,
    tree.FloatType,
    tree.StrType,
    tree.BytesType,
    tree.DateType,
    tree.TimeDeltaType,
    tree.UUIDType,
    tree.DecimalType,
)
_MICROSECOND = timedelta(microseconds=1)
_EVERY_DIGIT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


def plan_arrangement(schema: tree.Type, write: Write) -> Arrangement | None:
    """Return the function that brings a value into order, or None if msgspec does it alone."""
    return _Arranger(write).plan(schema) if any(map(_is_unsorted, walk(schema))) else None


def plan_fingerprint(schema: tree.Type, write: Write) -> Arrangement:
    """Return the function that gives equal values the same JSON.

    Fields at their default are left out, so that a job type may get new ones; 1.0 is 1, and
    instants and decimals count by their value.
    """
    return _Fingerprinter(write).plan(schema)


def _is_unsorted(info: tree.Type) -> bool:
    match info:
        case tree.SetType(item_type=item) | tree.FrozenSetType(item_type=item):
            return not isinstance(plain(item), _SORTED_BY_MSGSPEC)
        case tree.DictType(key_type=key):
            return not isinstance(plain(key), tree.StrType | tree.AnyType)
        case _:
            return False


class _Arranger:
    """Plan each type; a value of another class is left as it is, for the check to find."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._named: dict[int, Arrangement] = {}

    def plan(self, info: tree.Type) -> Arrangement:
        known = plain(info)
        if isinstance(known, tree.UnionType):
            return self._union(known)
        arrange = self._container(known)
        if arrange is None:
            return self.leaf(known)
        cls = class_of(known)
        return lambda value: arrange(value) if type(value) is cls else value

    def leaf(self, info: tree.Type) -> Arrangement:  # noqa: ARG002 - a fingerprint looks at it
        """Return what to do with values that contain no others."""
        return _keep

    def fields(self, info: tree.DataclassType) -> Arrangement:
        """Return what to do with a dataclass."""
        plans = {field.name: self.plan(field.type) for field in info.fields}
        return lambda job: {name: inner(getattr(job, name)) for name, inner in plans.items()}

    def _union(self, union: tree.UnionType) -> Arrangement:
        plans = {class_of(member): self.plan(member) for _, member in members(union)}

        def arrange(value: object) -> Any:
            return plans.get(plain_class(type(value)), _keep)(value)

        return arrange

    def _container(self, info: tree.Type) -> Arrangement | None:
        match info:
            case tree.SetType(item_type=item) | tree.FrozenSetType(item_type=item):
                inner = self.plan(item)
                return lambda items: sorted(map(inner, items), key=self._write)
            case tree.CollectionType(item_type=item):
                inner = self.plan(item)
                return lambda items: list(map(inner, items))
            case tree.TupleType(item_types=types):
                return _in_turn([self.plan(item) for item in types])
            case tree.DictType(key_type=key, value_type=value):
                return self._dict(self.plan(key), self.plan(value))
            case tree.NamedTupleType() | tree.TypedDictType() | tree.DataclassType():
                return self._once(info)
            case _:
                return None

    def _dict(self, key: Arrangement, value: Arrangement) -> Arrangement:
        write = self._write

        def text(name: Any) -> str:
            if type(name) is str:
                return name
            written = write(key(name))
            return str(msgspec.json.decode(written)) if written[:1] == b'"' else written.decode()

        return lambda entries: {text(name): value(item) for name, item in entries.items()}

    def _once(self, info: Named) -> Arrangement:
        named, key = self._named, id(info)
        if key not in named:
            # A type that contains itself meets this, which finds the plan when it is called.
            named[key] = lambda value: named[key](value)  # noqa: PLW0108
            named[key] = self._build(info)
        return named[key]

    def _build(self, info: Named) -> Arrangement:
        if isinstance(info, tree.DataclassType):
            return self.fields(info)
        plans = {field.name: self.plan(field.type) for field in info.fields}
        if isinstance(info, tree.NamedTupleType):
            return _in_turn(list(plans.values()))
        return lambda entries: {
            name: plans.get(name, _keep)(item) for name, item in entries.items()
        }


class _Fingerprinter(_Arranger):
    def leaf(self, info: tree.Type) -> Arrangement:
        match info:
            case tree.AnyType():
                return _json
            case tree.FloatType():
                return _number
            case tree.DecimalType():
                return _decimal
            case tree.DateTimeType():
                return _instant
            case _:
                return _keep

    def fields(self, info: tree.DataclassType) -> Arrangement:
        plans = [(field, self.plan(field.type)) for field in info.fields]

        def arrange(job: Any) -> dict[str, Any]:
            items = ((field, inner, inner(getattr(job, field.name))) for field, inner in plans)
            return {
                field.name: item
                for field, inner, item in items
                if field.required or self._write(item) != self._write(inner(_default(field)))
            }

        return arrange


def _default(field: tree.Field) -> Any:
    factory: Any = field.default_factory
    return field.default if factory is msgspec.NODEFAULT else factory()


def _keep(value: Any) -> Any:
    return value


def _in_turn(plans: Sequence[Arrangement]) -> Arrangement:
    def arrange(items: Sequence[Any]) -> Sequence[Any]:
        if len(items) != len(plans):
            return items  # for the check to find
        return [inner(item) for inner, item in zip(plans, items, strict=True)]

    return arrange


def _json(value: object) -> Any:
    return _JSON_CONTAINERS.get(type(value), _number)(value)


def _json_list(items: list[Any]) -> list[Any]:
    return list(map(_json, items))


def _json_dict(entries: dict[str, Any]) -> dict[str, Any]:
    return {name: _json(item) for name, item in entries.items()}


_JSON_CONTAINERS: dict[type, Arrangement] = {list: _json_list, dict: _json_dict}


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _decimal(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return value
    return str(value.normalize(_EVERY_DIGIT)) if value else "0"


def _instant(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return f"@{(value - EPOCH) // _MICROSECOND}"
    return value
