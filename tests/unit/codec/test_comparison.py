"""That what would not come back equal is refused, and where the message says it is."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from socket import socket
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobkit.codec import PayloadCodec
from jobkit.errors import InvalidJob
from tests.unit.codec.samples import (
    ID,
    KEPT,
    PARIS,
    Address,
    Box,
    Colour,
    Item,
    Level,
    Mode,
    Point,
    SubItem,
    Text,
    codec_for,
    ids,
    typed,
)

NAN, INFINITY = float("nan"), float("inf")

# What msgspec alone would take, or answer without saying where and why.
LOST: list[tuple[Any, Any, str]] = [
    (int, "7", "value: Expected `int`, got `str`"),
    (int, True, "value: Expected `int`, got `bool`"),
    (int, 7.0, "value: Expected `int`, got `float`"),
    (int, Level.LOW, "value: tests.unit.codec.samples.Level would come back as int"),
    (float, NAN, "value: NaN and infinity"),
    (float | None, INFINITY, "value: NaN and infinity"),
    (float, 2**53 + 1, "value: no float is this int exactly"),
    (str, Mode.FAST, "value: tests.unit.codec.samples.Mode would come back as str"),
    (str, ID, "value: uuid.UUID would come back as str"),
    (str, b"abc", "value: bytes would come back as str"),
    (str, "\ud800", "value: holds a lone surrogate"),
    (str, Text("a"), "value: tests.unit.codec.samples.Text has no JSON form"),
    (bytes, "YWJj", "value: str would come back as bytes"),
    (bytes, bytearray(b"a"), "value: bytearray would come back as bytes"),
    (Decimal, 1, "value: int would come back as decimal.Decimal"),
    (Decimal, Decimal("NaN"), "value: NaN and infinity"),
    (Decimal, Decimal("-Infinity"), "value: NaN and infinity"),
    (Colour, "red", "value: str would come back as tests.unit.codec.samples.Colour"),
    (datetime, datetime(1800, 1, 1, tzinfo=PARIS), "value: its UTC offset has seconds"),
    (time, time(1, tzinfo=PARIS), "value: its time zone has no offset"),
    (list[int], (1,), "value: tuple would come back as list"),
    (list[int], [1, "2"], "value[1]: Expected `int`, got `str`"),
    (list[Decimal], [Decimal(1), 2], "value[1]: int would come back as decimal.Decimal"),
    (list[str], ["a", Mode.FAST], "value[1]: tests.unit.codec.samples.Mode would come back as str"),
    (list[Item], [Item(1), Item(NAN)], "value[1].no: NaN and infinity"),  # type: ignore[arg-type]
    (tuple[int, str], (1,), "value: Expected `array` of length 2"),
    (tuple[int, Decimal], (1, 2), "value[1]: int would come back as decimal.Decimal"),
    (tuple[int, str], Point(1), "value: tests.unit.codec.samples.Point would come back as tuple"),
    (set[int], {1, "a"}, "Expected `int`, got `str`"),
    (set[float], {NAN}, "value[...]: NaN and infinity"),
    (set[Decimal], {1}, "value[...]: int would come back as decimal.Decimal"),
    (set[Colour], [Colour.RED], "value: list would come back as set"),
    (frozenset[int], {1}, "value: set would come back as frozenset"),
    (dict[str, int], {Mode.FAST: 1}, "value[...]: tests.unit.codec.samples.Mode would come back"),
    (dict[str, Any], {"a": {"b": (1,)}}, "value[...][...]: tuple would come back as list"),
    (dict[int, int], {"1": 1}, "value[...]: this key or item would be lost"),
    (dict[int, Decimal], {1: 1}, "value[...]: int would come back as decimal.Decimal"),
    (
        dict[str, Item],
        {"a": SubItem(1)},
        "SubItem would come back as tests.unit.codec.samples.Item",
    ),
    (Any, {1: "a"}, "value[...]: this key or item would be lost"),
    (Any, {"a": [NAN]}, "value[...][0]: NaN and infinity"),
    (Any, {1, 2}, "value: set would come back as list"),
    (Any, [Item(1)], "value[0]: tests.unit.codec.samples.Item would come back as dict"),
    (Any, {"a": "\ud800"}, "value[...]: holds a lone surrogate"),
    (Any, socket, "value: type has no JSON form"),
    (Any, 10**5000, "value: Exceeds the limit"),
    (Address, {"street": "Rue", "town": "X"}, "value[...]: this key or item would be lost"),
    (Address, {"street": Mode.FAST}, "value.street: tests.unit.codec.samples.Mode would come back"),
    (Item, SubItem(1), "value: tests.unit.codec.samples.SubItem would come back as"),
    (Item, {"no": 1}, "value: dict would come back as tests.unit.codec.samples.Item"),
    (Item | None, Item("a"), "value.no: Expected `int`, got `str`"),  # type: ignore[arg-type]
    (Box[int], Box("a"), "value.content: Expected `int`, got `str`"),
    (Annotated[int, msgspec.Meta(ge=1)], 0, "value: Expected `int` >= 1"),
]


@pytest.mark.parametrize(("annotation", "value", "message"), LOST, ids=ids(LOST))
def test_what_would_not_come_back_is_refused_with_type_and_path(
    annotation: Any, value: Any, message: str
) -> None:
    """B3."""
    codec, cls = codec_for(annotation)

    with pytest.raises(InvalidJob) as refused:
        codec.encode(cls(value))

    assert str(refused.value).startswith("app.Job.value")
    assert message in str(refused.value)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.just("\ud800")
    | st.binary(max_size=5)
    | st.decimals(allow_nan=False)
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.uuids()
    | st.sampled_from([*Colour, *Level, *Mode])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.sets(SCALARS, max_size=3)
        | st.frozensets(SCALARS, max_size=3)
        | st.dictionaries(SCALARS, inner, max_size=3)
        | st.builds(Item, inner, inner)
    ),
    max_leaves=6,
)
CODECS = [(annotation, *codec_for(annotation)) for annotation, _ in KEPT]
# What hypothesis can make values of.
FITTING: list[Any] = [
    *(int, float, str, bytes, datetime, date, time, timedelta, UUID, Decimal, Colour),
    *(float | None, int | float | str, Literal["a", 1], Point, Item),
    *(list[Decimal], tuple[float, ...], tuple[int, str], set[float], frozenset[Colour]),
    *(set[int | str], set[tuple[int, bool]], dict[str, float], dict[int, str], dict[UUID, int]),
    *(dict[Decimal, int], dict[date, Item], dict[float, list[datetime]]),
]


def encodes_to_an_equal_object_or_is_refused(
    annotation: Any, codec: PayloadCodec[Any], job: Any
) -> None:
    try:
        payload = codec.encode(job)
    except InvalidJob:
        return
    decoded = codec.decode(payload)
    widen = "float" in repr(annotation)
    assert typed(decoded, widen=widen) == typed(job, widen=widen)
    assert widen or codec.encode(decoded) == payload


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CODECS), VALUES)
def test_whatever_encodes_decodes_equal_even_of_a_wrong_type(
    of: tuple[Any, PayloadCodec[Any], Any], value: Any
) -> None:
    """B3."""
    annotation, codec, cls = of

    encodes_to_an_equal_object_or_is_refused(annotation, codec, cls(value))


@pytest.mark.parametrize("annotation", FITTING, ids=repr)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_whatever_encodes_decodes_equal(annotation: Any, data: st.DataObject) -> None:
    """B3."""
    codec, cls = codec_for(annotation)
    value = data.draw(st.from_type(annotation))

    encodes_to_an_equal_object_or_is_refused(annotation, codec, cls(value))
