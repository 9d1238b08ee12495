"""Which jobs need no decoding to know that they come back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobkit.codec import PayloadCodec
from jobkit.codec.plain_fields import plan_plain_fields
from jobkit.codec.schema import schema_of
from jobkit.errors import InvalidJob
from tests.unit.codec.samples import Item, SubItem, Text, job_class, typed

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(), st.floats(), st.binary(), st.builds(Text)
)
PLAIN = [int, str, bool, int | None, str | bool | None]


@dataclass
class Trimmed:
    name: str

    def __post_init__(self) -> None:
        self.name = self.name.strip()


@dataclass
class Counted:
    no: int

    def __new__(cls, *_: Any) -> Self:
        return super().__new__(cls)


@pytest.mark.parametrize("annotation", PLAIN, ids=str)
def test_a_field_that_its_class_says_all_of_is_plain(annotation: Any) -> None:
    """B3."""
    assert plan_plain_fields(schema_of(job_class(annotation))) is not None


@pytest.mark.parametrize(
    "annotation",
    [
        float,
        datetime,
        list[int],
        Item,
        Any,
        int | float,
        Annotated[int, msgspec.Meta(ge=1)],
        Annotated[str, msgspec.Meta(max_length=3)],
    ],
    ids=str,
)
def test_a_field_of_any_other_type_is_not(annotation: Any) -> None:
    """B3."""
    assert plan_plain_fields(schema_of(job_class(annotation))) is None


@pytest.mark.parametrize("cls", [Trimmed, Counted])
def test_a_class_with_code_that_runs_when_it_is_made_is_decoded(cls: type[Any]) -> None:
    """B3."""
    assert plan_plain_fields(schema_of(cls)) is None


def test_a_job_of_a_subclass_is_not_one_of_its_class() -> None:
    """B3."""
    has_plain_fields = plan_plain_fields(schema_of(Item))

    assert has_plain_fields is not None
    assert has_plain_fields(Item(1))
    assert not has_plain_fields(SubItem(1))


@given(annotation=st.sampled_from(PLAIN), value=SCALARS)
def test_what_is_taken_for_plain_comes_back_as_it_was(annotation: Any, value: Any) -> None:
    """B3: and what is not is looked at, and refused if it would not."""
    cls = job_class(annotation)
    codec, job = PayloadCodec(cls), cls(value)
    try:
        payload = codec.encode(job)
    except InvalidJob:
        assert not _would_come_back(codec, job)
    else:
        assert typed(codec.decode(payload)) == typed(job)


def _would_come_back(codec: PayloadCodec[Any], job: Any) -> bool:
    try:
        copy = codec.decode(msgspec.json.encode(job))
    except (InvalidJob, UnicodeEncodeError, TypeError):
        return False
    return bool(typed(copy) == typed(job))
