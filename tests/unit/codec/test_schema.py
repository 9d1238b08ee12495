"""Which dataclasses are refused, and that the message names field and rule.

The annotations here are texts; in test_payload.py the tables give them as objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from enum import Enum
from socket import socket
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import msgspec
import pytest

from jobkit.codec import PayloadCodec, UnresolvedAnnotation
from jobkit.errors import InvalidJob
from tests.unit.codec.samples import Box, Item, Slotted, ids, job_class

if TYPE_CHECKING:
    from fractions import Fraction


class Mixed(Enum):
    ONE = 1
    TWO = "two"


class Packed(msgspec.Struct):
    no: int


@dataclass
class WithSocket:
    name: str
    peers: dict[str, socket]


@dataclass
class WithInitVar:
    no: int
    seed: InitVar[int] = 0


@dataclass
class WithoutInit:
    no: int = field(init=False, default=1)


@dataclass
class WithUnion:
    what: Item | Slotted


@dataclass
class OnlyForTypeCheckers:
    part: list[Fraction]


@dataclass
class Inherited(OnlyForTypeCheckers):
    name: str


@dataclass
class Constants:
    no: int
    kind: ClassVar[socket | None] = None


REFUSED: list[tuple[Any, str]] = [
    (Item | Slotted, ": JSON cannot tell the members of .*Item | .*Slotted apart"),
    (datetime | str, ": JSON cannot tell the members of datetime.datetime | str apart"),
    (list[int] | tuple[int, ...], ": JSON cannot tell the members of"),
    (dict[str, int] | Item, ": JSON cannot tell the members of"),
    (socket, ": socket.socket has no JSON form"),
    (socket | None, ": socket.socket has no JSON form"),
    (list[type], "[]: type has no JSON form"),
    (tuple[int, complex], "[1]: complex has no JSON form"),
    (Callable[[], int], ": collections.abc.Callable has no JSON form"),
    (Iterable[int], ": collections.abc.Iterable has no JSON form"),
    (BaseException, ": BaseException has no JSON form"),
    (memoryview, ": memoryview and classes of msgspec have no place in a job"),
    (Packed, ": memoryview and classes of msgspec have no place in a job"),
    (dict[bool, int], ": a dict's keys are stored as text"),
    (dict[tuple[int, int], int], ": a dict's keys are stored as text"),
    (dict[int | None, int], ": a dict's keys are stored as text"),
    (Literal[b"a"], ": Literal may only contain None/booleans/integers/strings"),
    (Mixed, ": Enums must contain either all str or all int values"),
    (Self, ": Type 'typing.Self' is not supported"),
    (WithSocket, ".peers[]: socket.socket has no JSON form"),
    (Box[socket], ".content: socket.socket has no JSON form"),
    (list[WithInitVar], ".seed: an InitVar is not kept in the object"),
    (dict[str, WithoutInit], "[].no: a field with init=False is not stored"),
    (WithUnion | None, ".what: JSON cannot tell the members of"),
    (tuple[OnlyForTypeCheckers, ...], ".part: annotated 'list[Fraction]': 'Fraction'"),
]


@pytest.mark.parametrize(("annotation", "message"), REFUSED, ids=ids(REFUSED))
def test_a_type_without_a_json_form_is_refused_with_field_and_rule(
    annotation: Any, message: str
) -> None:
    """B3."""
    cls = job_class(annotation)

    with pytest.raises(InvalidJob) as refused:
        PayloadCodec(cls)

    rule = f"app.Job.value{message.partition('.*')[0]}"
    assert str(refused.value).startswith(rule)


def test_a_name_under_type_checking_is_refused_by_name() -> None:
    """B3."""
    with pytest.raises(UnresolvedAnnotation, match=r"Inherited\.part: .*'Fraction' is not defined"):
        PayloadCodec(Inherited)


def test_a_name_of_a_function_is_refused_by_name() -> None:
    """B3."""

    @dataclass
    class Local:
        no: int

    @dataclass
    class Job:
        local: list[Local]

    with pytest.raises(UnresolvedAnnotation, match=r"Job\.local: .*'Local' is not defined"):
        PayloadCodec(Job)


def test_a_misspelled_annotation_is_refused() -> None:
    """B3."""
    cls = job_class("list[")

    with pytest.raises(UnresolvedAnnotation, match=r"app\.Job\.value: annotated 'list\['"):
        PayloadCodec(cls)


def test_class_variables_are_no_fields() -> None:
    """B3."""
    codec = PayloadCodec(Constants)

    assert codec.decode(codec.encode(Constants(1))) == Constants(1)
