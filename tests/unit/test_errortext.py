"""What went wrong, as text that fits into any store."""

from __future__ import annotations

import pytest

from jobkit.errors import InvalidOption
from jobkit.errortext import MAX_ERROR, MAX_MESSAGE, error_of
from jobkit.outcome import Dead, Error


class Boom(Exception):
    pass


def raised(error: BaseException) -> Error:
    """Describe an exception as it is after it was raised."""
    try:
        raise error
    except BaseException as caught:
        return error_of(caught)


def size(error: Error) -> int:
    return sum(len(text.encode()) for text in (error.type, error.message, error.traceback))


@pytest.mark.parametrize(
    ("error", "type_name"),
    [
        (ValueError(), "ValueError"),
        (Boom(), f"{__name__}.Boom"),
        (Dead("no such user"), "jobkit.Dead"),
        (InvalidOption("no"), "jobkit.InvalidOption"),
    ],
)
def test_an_error_is_named_as_its_author_would(error: Exception, type_name: str) -> None:
    assert error_of(error).type == type_name


def test_the_traceback_ends_with_the_error_and_names_the_line_that_raised() -> None:
    error = raised(Boom("no disk"))

    assert error.message == "no disk"
    assert "in raised\n    raise error\n" in error.traceback
    assert error.traceback.endswith("Boom: no disk\n")


def test_an_exception_that_was_not_raised_has_no_traceback() -> None:
    """B35: `return Dead(...)`."""
    assert error_of(Dead("no such user")).traceback == ""


def test_causes_notes_and_the_members_of_a_group_are_in_the_traceback() -> None:
    group = ExceptionGroup("several", [ValueError("inner")])
    group.add_note("while sending")
    group.__cause__ = KeyError("cause")

    text = raised(group).traceback

    assert "KeyError: 'cause'" in text
    assert "ValueError: inner" in text
    assert "while sending" in text


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600"])
def test_a_long_message_is_cut_and_the_frames_stay(letter: str) -> None:
    """B36: 4 KiB an error."""
    error = raised(Boom(letter * 10_000))

    assert len(error.message.encode()) <= MAX_MESSAGE
    assert error.message.endswith(letter + "…")
    assert size(error) <= MAX_ERROR
    assert "in raised" in error.traceback


def test_of_a_long_traceback_the_end_stays() -> None:
    """B36"""

    def even(levels: int) -> None:
        odd(levels - 1) if levels else raised_at_the_end()

    def odd(levels: int) -> None:
        even(levels - 1)

    def raised_at_the_end() -> None:
        raise Boom("the end")

    with pytest.raises(Boom) as caught:
        even(300)
    error = error_of(caught.value)

    assert size(error) <= MAX_ERROR
    assert size(error) > MAX_ERROR - 8
    assert error.traceback.startswith("…")
    assert error.traceback.endswith("Boom: the end\n")


def test_a_recursion_without_end_is_described() -> None:
    def endless() -> None:
        endless()

    with pytest.raises(RecursionError) as caught:
        endless()

    assert error_of(caught.value).type == "RecursionError"


def test_a_lone_surrogate_is_written_so_that_it_can_be_encoded() -> None:
    error = raised(Boom("file \udcff"))

    assert error.message == r"file \udcff"
    error.traceback.encode()


@pytest.mark.parametrize("worse", [ValueError, SystemExit])
def test_an_exception_that_cannot_be_written_is_described_all_the_same(
    worse: type[BaseException],
) -> None:
    """B32"""

    class Broken(Exception):
        def __str__(self) -> str:
            raise worse

    error = raised(Broken())

    assert error.type.endswith("Broken")
    assert error.message == f"<str() raised {worse.__name__}>"
    assert error.traceback
