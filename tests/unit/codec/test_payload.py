"""What a payload keeps, and what it says when it cannot be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from freezegun import freeze_time

from jobkit.codec import PayloadCodec
from jobkit.errors import InvalidJob
from tests.unit.codec.samples import (
    KEPT,
    NAIVE,
    PARIS,
    Colour,
    Item,
    SubItem,
    codec_for,
    ids,
    typed,
)


@pytest.mark.parametrize(("annotation", "value"), KEPT, ids=ids(KEPT))
def test_a_payload_decodes_to_an_equal_object_of_the_exact_types(
    annotation: Any, value: Any
) -> None:
    """B3."""
    codec, cls = codec_for(annotation)
    job = cls(value)

    decoded = codec.decode(codec.encode(job))

    assert typed(decoded) == typed(job)


@dataclass
class Frozen:
    """Its annotations are text: freezegun may have swapped the classes when they are read."""

    at: datetime
    day: date
    until: datetime | None = None


@dataclass
class Event:
    tags: list[str] = field(default_factory=list[str])
    data: Any = None


@dataclass
class Login:
    user: Colour
    password: Colour = field(metadata={"sensitive": True})
    tries: int = 0

    def __post_init__(self) -> None:
        if self.tries < 0:
            raise ValueError(f"{self.password} was tried {self.tries} times")


@dataclass
class Session:
    login: Login


def test_a_naive_time_stays_naive_and_an_aware_one_keeps_its_instant_at_a_fixed_offset() -> None:
    """B3. Also in the hour that occurs twice, which Python never finds equal across zones."""
    codec, cls = codec_for(list[datetime])
    twice = datetime(2026, 10, 25, 2, 30, tzinfo=PARIS, fold=1)

    decoded = codec.decode(codec.encode(cls([NAIVE, twice])))

    assert decoded.value[0].tzinfo is None
    assert decoded.value[1] - twice == timedelta(0)
    assert decoded.value[1].tzinfo == timezone(timedelta(hours=1))


def test_an_int_for_a_float_is_stored_as_a_float() -> None:
    """B3."""
    codec, cls = codec_for(list[float])

    decoded = codec.decode(codec.encode(cls([1, 2.5])))

    assert typed(decoded.value) == typed([1.0, 2.5])


def test_the_callers_object_and_what_handlers_get_share_nothing() -> None:
    """B7."""
    codec = PayloadCodec(Event)
    event = Event(["a"], {"n": [1]})
    payload = codec.encode(event)

    event.tags.append("b")
    first = codec.decode(payload)
    first.data["n"].append(2)

    assert codec.decode(payload) == Event(["a"], {"n": [1]})


def test_unknown_stored_fields_are_ignored_and_missing_ones_take_their_defaults() -> None:
    """B3."""
    codec = PayloadCodec(Item)

    decoded = codec.decode(b'{"no": 1, "of_a_later_version": {"x": []}}')

    assert decoded == Item(1, "")


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b'{"value": [{"no": 1}, {"no": "2"}]}', "Expected `int`, got `str` at $.value[1].no"),
        (b'{"value": null}', "Expected `array`, got `null` at $.value"),
        (b"{}", "Object missing required field `value`"),
        (b"[]", "Expected `object`, got `array` at $"),
        (b'{"value": [', "Input data was truncated"),
        (b"\xff", "JSON is malformed"),
        (b"", "Input data was truncated"),
    ],
)
def test_a_payload_that_does_not_fit_says_where(payload: bytes, message: str) -> None:
    """B3."""
    codec, _ = codec_for(list[Item])

    with pytest.raises(InvalidJob) as refused:
        codec.decode(payload)

    assert str(refused.value).startswith("app.Job: the payload does not decode: ")
    assert message in str(refused.value)


@pytest.mark.parametrize("error", [ValueError, TypeError, KeyError, ZeroDivisionError])
def test_what_post_init_raises_is_an_invalid_job(error: type[Exception]) -> None:
    """B3."""

    @dataclass
    class Picky:
        n: int

        def __post_init__(self) -> None:
            if self.n < 0:
                raise error("too few")

    codec = PayloadCodec(Picky)

    with pytest.raises(InvalidJob, match=f"raised {error.__name__}: .*too few") as refused:
        codec.decode(b'{"n": -1}')

    assert isinstance(refused.value.__cause__, error)


def test_a_post_init_that_changes_a_field_each_time_is_refused() -> None:
    """B3."""

    @dataclass
    class Growing:
        text: str

        def __post_init__(self) -> None:
            self.text = self.text + "!" if len(self.text) < 9 else 9  # type: ignore[assignment]

    with pytest.raises(InvalidJob, match=r"Growing\.text: "):
        PayloadCodec(Growing).encode(Growing("12345678"))


def test_a_job_that_contains_itself_is_refused() -> None:
    """B3."""
    loop: list[Any] = []
    loop.append(loop)

    with pytest.raises(InvalidJob, match="Event: is nested too deep, or contains itself"):
        PayloadCodec(Event).encode(Event(data=loop))


def test_a_job_of_another_class_is_refused() -> None:
    """B3."""
    codec = PayloadCodec(Item)

    with pytest.raises(InvalidJob, match=r"SubItem would come back as .*Item"):
        codec.encode(SubItem(1))


@pytest.mark.parametrize(
    "payload",
    [
        b'{"login": {"user": "red", "password": "hunter2"}}',
        b'{"login": {"user": "red", "password": "red", "tries": -1}}',
    ],
)
def test_a_message_shows_no_value_of_a_sensitive_field(payload: bytes) -> None:
    """B3."""
    with pytest.raises(InvalidJob, match=r"\$\.login") as refused:
        PayloadCodec(Session).decode(payload)

    assert "hunter2" not in str(refused.value)
    assert "RED" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_a_frozen_test_may_store_the_fakes_of_freezegun() -> None:
    """B3."""
    with freeze_time("2026-01-01"):
        codec = PayloadCodec(Frozen)
        job = Frozen(datetime(2026, 1, 1, 1, tzinfo=UTC), date(2026, 1, 2))
        payload = codec.encode(job)
        decoded = codec.decode(payload)

    assert type(job.at) is not datetime
    assert typed(decoded) == typed(Frozen(datetime(2026, 1, 1, 1, tzinfo=UTC), date(2026, 1, 2)))
    assert PayloadCodec(Frozen).encode(decoded) == payload
