"""Jobs of plain fields, which come back as they are: nobody has to decode them to know it."""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType
from typing import Any, TypeAlias

from msgspec import inspect as tree

from jobkit.codec.classes import bare_class
from jobkit.codec.schema import members, plain

# Without bounds or lengths: those are looked at when a payload is decoded.
_KEPT: tuple[tuple[tree.Type, type[Any]], ...] = (
    (tree.StrType(), str),
    (tree.IntType(), int),
    (tree.BoolType(), bool),
    (tree.NoneType(), NoneType),
)
HasPlainFields: TypeAlias = Callable[[Any], bool]


def plan_plain_fields(schema: tree.Type) -> HasPlainFields | None:
    """Return what tells that each field of a job is of a class that it may have and that says all.

    Those are text, whole numbers, booleans and None, with no bounds on them, where no code of the
    user's runs when a job is decoded. None if a field may be anything else.
    """
    if not isinstance(schema, tree.DataclassType) or _has_own_ways(bare_class(schema)):
        return None
    cls = bare_class(schema)
    fields = [(field.name, _classes(plain(field.type))) for field in schema.fields]
    if not all(classes for _, classes in fields):
        return None

    def has_plain_fields(job: object) -> bool:
        if type(job) is not cls:
            return False
        for name, classes in fields:  # noqa: SIM110  # all(...) takes twice the time
            if type(getattr(job, name)) not in classes:
                return False
        return True

    return has_plain_fields


def _has_own_ways(cls: type[Any]) -> bool:
    own: tuple[tuple[str, object], ...] = (
        ("__post_init__", None),
        ("__new__", object.__new__),
        ("__getattribute__", object.__getattribute__),
    )
    return any(getattr(cls, name, None) is not usual for name, usual in own)


def _classes(info: tree.Type) -> frozenset[type[Any]]:
    """Return the classes that a field may have; none if they do not say everything."""
    if isinstance(info, tree.UnionType):
        found = [_classes(member) for _, member in members(info)]
        return frozenset[type[Any]]().union(*found) if all(found) else frozenset()
    return frozenset(cls for kept, cls in _KEPT if info == kept)
