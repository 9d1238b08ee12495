"""Whether what came back is what was stored: field by field, with the exact classes.

msgspec writes most values so that their class says everything: an int that comes back as an int
is the same int. So the comparison of a type is planned once. Where the class is enough, the plan
is None; else it is a function of two values whose classes have been compared already.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, time
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from msgspec import inspect as tree

from jobkit.codec.classes import label, plain_class
from jobkit.codec.schema import Named, class_of, members, plain

NOT_FINITE = "NaN and infinity have no JSON form; give a finite number, or None"


class Difference(NamedTuple):
    """Where a value and its copy differ, and what to do. It shows no value: it may be secret."""

    path: str
    reason: str

    def below(self, segment: str) -> Difference:
        """Return the same difference, seen from one level further up."""
        return Difference(segment + self.path, self.reason)


Comparison: TypeAlias = Callable[[Any, Any], Difference | None]


def plan_comparison(schema: tree.Type) -> Comparison:
    """Return the function that tells how a value and its decoded copy differ, or None."""
    inner = _Planner().plan(schema)

    def compare(given: object, copy: object) -> Difference | None:
        if inner is not None and type(given) is type(copy):
            return inner(given, copy)  # as good as always: not worth a call
        return _compare(given, copy, inner)

    return compare


def _compare(given: object, copy: object, inner: Comparison | None) -> Difference | None:
    if type(given) is not type(copy) and (found := _compare_classes(given, copy)):
        return found
    return inner(given, copy) if inner is not None else None


def _compare_classes(given: object, copy: object) -> Difference | None:
    there, back = plain_class(type(given)), type(copy)
    is_widened = there is int and back is float
    if there is back or (is_widened and given == copy):
        return None
    if isinstance(given, float) and not math.isfinite(given):
        return Difference("", NOT_FINITE)
    if is_widened:
        return Difference("", "no float is this int exactly; annotate int, or give a float")
    wanted = label(back)
    reason = f"{label(there)} would come back as {wanted}; give {wanted}, or annotate otherwise"
    return Difference("", reason)


class _Planner:
    def __init__(self) -> None:
        self._named: dict[int, Comparison] = {}

    def plan(self, info: tree.Type) -> Comparison | None:
        match plain(info):
            case tree.AnyType():
                return _compare_json
            case tree.DateTimeType() | tree.TimeType():
                return _compare_zones
            case tree.DecimalType():
                return _compare_decimals
            case tree.UnionType() as union:
                return self._union(union)
            case tree.TypedDictType() | tree.DataclassType() | tree.NamedTupleType() as named:
                return self._once(named)
            case other:
                return self._container(other)

    def _container(self, info: tree.Type) -> Comparison | None:
        match info:
            case tree.SetType(item_type=item) | tree.FrozenSetType(item_type=item):
                return _sets(self.plan(item))
            case tree.CollectionType(item_type=item):
                return _sequences(self.plan(item))
            case tree.TupleType(item_types=items):
                return _tuples([self.plan(item) for item in items])
            case tree.DictType(key_type=key, value_type=value):
                return _dicts(self.plan(key), self.plan(value))
            case _:
                return None

    def _union(self, union: tree.UnionType) -> Comparison | None:
        plans = {class_of(member): self.plan(member) for _, member in members(union)}
        if not any(plans.values()):
            return None

        def compare(given: object, copy: object) -> Difference | None:
            inner = plans.get(type(copy))
            return inner(given, copy) if inner is not None else None

        return compare

    def _once(self, info: Named) -> Comparison:
        named, key = self._named, id(info)
        if key not in named:
            # A type that contains itself meets this, which finds the plan when it is called.
            named[key] = lambda given, copy: named[key](given, copy)  # noqa: PLW0108
            plans = {field.name: self.plan(field.type) for field in info.fields}
            is_dict = isinstance(info, tree.TypedDictType)
            named[key] = _typed_dicts(plans) if is_dict else _attributes(plans)
        return named[key]


def _attributes(plans: Mapping[str, Comparison | None]) -> Comparison:
    items = tuple(plans.items())

    def compare(given: Any, copy: Any) -> Difference | None:
        for name, inner in items:
            there, back = getattr(given, name), getattr(copy, name)
            if inner is None and type(there) is type(back):
                continue  # most fields: not worth a call
            if found := _compare(there, back, inner):
                return found.below(f".{name}")
        return None

    return compare


def _sequences(inner: Comparison | None) -> Comparison:
    def compare(given: Collection[Any], copy: Collection[Any]) -> Difference | None:
        if inner is None and list(map(type, given)) == list(map(type, copy)):
            return None
        for index, (there, back) in enumerate(zip(given, copy, strict=True)):
            if found := _compare(there, back, inner):
                return found.below(f"[{index}]")
        return None

    return compare


def _tuples(plans: Sequence[Comparison | None]) -> Comparison:
    def compare(given: Iterable[Any], copy: Iterable[Any]) -> Difference | None:
        for index, (there, back, inner) in enumerate(zip(given, copy, plans, strict=True)):
            if found := _compare(there, back, inner):
                return found.below(f"[{index}]")
        return None

    return compare


def _sets(inner: Comparison | None) -> Comparison:
    return lambda given, copy: _compare_twins(given, copy, inner)


def _dicts(key: Comparison | None, value: Comparison | None) -> Comparison:
    def compare(given: Mapping[Any, Any], copy: Mapping[Any, Any]) -> Difference | None:
        if found := _compare_twins(given, copy, key):
            return found
        for name, there in given.items():
            if found := _compare(there, copy[name], value):
                return found.below("[...]")
        return None

    return compare


def _typed_dicts(plans: Mapping[str, Comparison | None]) -> Comparison:
    def compare(given: Mapping[str, Any], copy: Mapping[str, Any]) -> Difference | None:
        if found := _compare_twins(given, copy, None):
            return found
        for name, there in given.items():
            if found := _compare(there, copy[name], plans[name]):
                return found.below(f".{name}")
        return None

    return compare


def _compare_twins(
    given: Iterable[Any], copy: Iterable[Any], inner: Comparison | None
) -> Difference | None:
    """Compare items that have no place of their own, each with the one that it is equal to."""
    twins = {item: item for item in copy}
    for there in given:
        if there not in twins:
            return Difference("[...]", "this key or item would be lost or come back as another")
        if found := _compare(there, twins.pop(there), inner):
            return found.below("[...]")
    return None


def _compare_json(given: object, copy: object) -> Difference | None:
    inner = _JSON_CONTAINERS.get(type(copy))
    return inner(given, copy) if inner is not None else None


_JSON_CONTAINERS: dict[type, Comparison] = {
    list: _sequences(_compare_json),
    dict: _dicts(None, _compare_json),
}


def _compare_zones(given: datetime | time, copy: datetime | time) -> Difference | None:
    # The digits on the clock are written in full; what can be lost is where they apply.
    if (given.tzinfo is None) is not (copy.tzinfo is None):
        return Difference("", "its time zone has no offset and would be lost; give one in UTC")
    if given.utcoffset() != copy.utcoffset():
        return Difference("", "its UTC offset has seconds, which would be lost; give one in UTC")
    return None


def _compare_decimals(given: Decimal, _: Decimal) -> Difference | None:
    return None if given.is_finite() else Difference("", NOT_FINITE)
