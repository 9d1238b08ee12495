"""Names, options and look-up of job types."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from socket import socket
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from jobkit.errors import InvalidJob, InvalidOption
from jobkit.jobtype import JobType, job, job_type, job_type_of, named_type

T = TypeVar("T")
HERE = "tests.unit.test_jobtype"


@dataclass
class Plain:
    no: int


@dataclass
class Box(Generic[T]):
    content: T


@job(queue="trees")
@dataclass
class Tree:
    """Names itself, and a class further down, before either exists."""

    branches: list[Tree]
    leaf: Leaf | None = None


@dataclass
class Leaf:
    no: int


def declare_above(cls: type[T], *, slots: bool) -> type[T]:
    return job(name="declared", queue="mail")(dataclass(slots=slots)(cls))


def declare_below(cls: type[T], *, slots: bool) -> type[T]:
    return dataclass(slots=slots)(job(name="declared", queue="mail")(cls))


@pytest.mark.parametrize("slots", [False, True])
@pytest.mark.parametrize("declare", [declare_above, declare_below])
def test_job_and_dataclass_go_in_either_order(declare: Callable[..., Any], slots: bool) -> None:
    """B1."""

    class Send:
        no: int

    cls = declare(Send, slots=slots)

    found = job_type(cls)
    assert (found.cls, found.name, found.options) == (cls, "declared", {"queue": "mail"})
    assert found.decode(found.encode(cls(1), max_payload=99)) == cls(1)
    assert named_type("declared") is found


def test_any_dataclass_is_a_job_type_named_by_module_and_class() -> None:
    """B1."""
    found = job_type(Plain)

    assert (found.name, found.aliases, found.options) == (f"{HERE}.Plain", (), {})
    assert found.durable
    assert job_type_of(Plain(1)) is found


def test_a_class_of_a_function_is_named_by_its_place() -> None:
    """B1."""

    @job
    @dataclass
    class Local:
        no: int

    function = "test_a_class_of_a_function_is_named_by_its_place"
    assert job_type(Local).name == f"{HERE}.{function}.<locals>.Local"


def test_a_type_is_found_by_its_name_and_its_old_names() -> None:
    """B1."""

    @job(name="mail.send", aliases=["mail.post", "post"])
    @dataclass
    class Send:
        no: int

    found = job_type(Send)

    assert found.aliases == ("mail.post", "post")
    assert [named_type(name) for name in ("mail.send", "mail.post", "post")] == [found] * 3
    assert named_type("mail.unknown") is None


def test_the_newest_class_of_a_name_is_found_and_no_class_is_kept_alive() -> None:
    """B1."""

    def make() -> JobType[Any]:
        @job(name="twins")
        @dataclass
        class Twin:
            no: int

        return job_type(Twin)

    older, newer = make(), make()

    assert named_type("twins") is newer
    del newer
    gc.collect()
    assert named_type("twins") is older
    del older
    gc.collect()
    assert named_type("twins") is None


def test_a_subclass_inherits_options_but_not_name_and_aliases() -> None:
    """B1."""

    @job(name="base", aliases=["old"], queue="mail", max_retries=5)
    @dataclass
    class Base:
        no: int

    @job(max_retries=1, timeout=timedelta(seconds=9))
    @dataclass
    class Sub(Base):
        pass

    @dataclass
    class SubSub(Sub):
        pass

    expected = {"queue": "mail", "max_retries": 1, "timeout": timedelta(seconds=9)}
    assert job_type(Base).options == {"queue": "mail", "max_retries": 5}
    assert job_type(Sub).options == expected
    assert job_type(SubSub).options == expected
    assert job_type(SubSub).name.endswith("<locals>.SubSub")
    assert job_type(SubSub).aliases == ()


def test_a_type_is_made_once() -> None:
    """B1."""
    assert job_type(Plain) is job_type(Plain) is job_type_of(Plain(2))


def test_a_copy_of_a_class_has_a_type_of_its_own() -> None:
    """B1. @dataclass(slots=True) copies all attributes into a new class."""
    first = job_type(Plain)

    copy = dataclass(slots=True)(Plain)

    assert job_type(copy).cls is copy
    assert job_type(Plain) is first


def test_a_type_may_name_itself_and_what_is_defined_later() -> None:
    """B3."""
    found = job_type(Tree)
    tree = Tree([Tree([])], Leaf(1))

    assert found.decode(found.encode(tree, max_payload=999)) == tree
    assert found.options == {"queue": "trees"}


def test_fields_are_checked_as_soon_as_the_class_is_a_dataclass() -> None:
    """B3."""
    with pytest.raises(InvalidJob, match=r"Connect\.peer: socket\.socket has no JSON form"):

        @job
        @dataclass
        class Connect:
            peer: socket

    @dataclass
    @job
    class Reconnect:
        peer: socket

    with pytest.raises(InvalidJob, match=r"Reconnect\.peer: socket\.socket has no JSON form"):
        job_type(Reconnect)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"que": "mail"}, "@job: unknown option 'que'; did you mean 'queue'?"),
        ({"priority": 10**9}, "@job: priority="),
        ({"name": "a b"}, "@job: name='a b': a type's name is"),
        ({"aliases": "old"}, "@job: aliases='old': give a list of names"),
        ({"name": "a", "aliases": ["a"]}, "has a name twice, or the name 'a' itself"),
        ({"name": "a", "aliases": ["b", "b"]}, "has a name twice"),
    ],
)
def test_a_bad_option_is_refused_at_once(options: Any, message: str) -> None:
    """B57."""
    cls: Any = dataclass(type("Send", (), {}))

    with pytest.raises(InvalidOption) as refused:
        job(**options)(cls)

    assert message in str(refused.value)


def test_an_alias_that_is_the_class_name_is_refused() -> None:
    """B1."""
    cls: Any = dataclass(type("Send", (), {"__module__": "app"}))

    with pytest.raises(InvalidOption, match=r"the name 'app\.Send' itself"):
        job(aliases=["app.Send"])(cls)


def test_job_twice_is_refused() -> None:
    """B57."""

    @job(queue="mail")
    @dataclass(slots=True)
    class Send:
        no: int

    with pytest.raises(InvalidOption, match=r"@job is on .*Send twice; give all options in one"):
        job(priority=1)(Send)


def test_job_on_a_class_in_use_is_refused() -> None:
    """B57."""
    job_type(Leaf)

    with pytest.raises(InvalidOption, match=r"Leaf is in use already; put @job where"):
        job(queue="mail")(Leaf)


@pytest.mark.parametrize("given", ["mail", 5, job_type, None])
def test_job_on_what_is_no_class_is_refused(given: Any) -> None:
    """B57."""
    with pytest.raises(InvalidOption, match=r'it takes a class.*@job\(queue="mail"\)'):
        job()(given)


def test_a_name_that_no_store_takes_asks_for_another() -> None:
    """B1."""
    cls: Any = dataclass(type("Größe", (), {"__module__": "app"}))

    with pytest.raises(InvalidJob, match=r"app\.Größe: .*; give one: @job\(name=\.\.\.\)"):
        job_type(cls)


class NoDataclass:
    pass


class Forgotten(Plain):
    extra: str
    kind: ClassVar[str] = "forgotten"


class Marked(Plain):
    kind: ClassVar[str] = "marked"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "None is not a job; give an instance of a dataclass"),
        (5, "an instance of int is not a job; give an instance of a dataclass"),
        ("x", "an instance of str is not a job"),
        ({"no": 1}, "an instance of dict is not a job"),
        ([Plain(1)], "an instance of list is not a job"),
        (Plain, f"the class {HERE}.Plain is not a job; give an instance: Plain(no=...)"),
        (int, "the class int is not a job; give an instance of a dataclass"),
        (NoDataclass(), f"an instance of {HERE}.NoDataclass is not a job; put @dataclass on NoD"),
        (Forgotten(1), f"{HERE}.Forgotten adds extra to a dataclass, but is none itself"),
    ],
)
def test_what_is_no_job_is_refused_with_the_remedy(given: Any, message: str) -> None:
    """B4."""
    with pytest.raises(InvalidJob) as refused:
        job_type_of(given)

    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "a job type is a class, not None; give a dataclass"),
        (
            Plain(1),
            f"a job type is a class, not an instance of {HERE}.Plain; give the class",
        ),
        ("Plain", "a job type is a class, not an instance of str"),
        (
            Box[int],
            "a job type is a class, not an instance of typing._GenericAlias; name",
        ),
        (int, "int is not a dataclass; put @dataclass on it"),
        (NoDataclass, f"{HERE}.NoDataclass is not a dataclass; put @dataclass on it"),
    ],
)
def test_what_is_no_job_type_is_refused_with_the_remedy(given: Any, message: str) -> None:
    """B4."""
    with pytest.raises(InvalidJob) as refused:
        job_type(given)

    assert str(refused.value).startswith(message)


def test_a_subclass_without_fields_needs_no_dataclass_of_its_own() -> None:
    """B1."""
    found = job_type(Marked)

    assert type(found.decode(found.encode(Marked(1), max_payload=99))) is Marked


def test_a_payload_over_the_limit_is_refused_with_both_sizes() -> None:
    """B3."""

    @dataclass
    class Import:
        rows: str

    found = job_type(Import)

    assert len(found.encode(Import("x" * 1000), max_payload=1011)) == 1011
    with pytest.raises(InvalidJob, match=r"Import: the payload has 1,011 bytes .* 1,010; keep"):
        found.encode(Import("x" * 1000), max_payload=1010)


def test_sensitive_fields_are_known() -> None:
    @dataclass
    class Login:
        user: str
        password: str = field(metadata={"sensitive": True})

    assert job_type(Login).sensitive == {"password"}


@dataclass
class NeverUsed:
    """A job type by its looks alone."""

    number: int = 0


@dataclass
class NeverStored:
    """Whoever reads this could not tell what was stored."""

    when: datetime | str = ""


def test_a_dataclass_of_a_loaded_module_is_found_before_its_first_use() -> None:
    """Readers get the payload, and know what is secret in it."""
    found = named_type(f"{__name__}.NeverUsed")

    assert found is not None
    assert found.cls is NeverUsed


@pytest.mark.parametrize("name", ["NeverStored", "Nothing", "test_jobtype", "NeverUsed.number"])
def test_what_is_no_job_type_is_not_found(name: str) -> None:
    assert named_type(f"{__name__}.{name}") is None
    assert named_type(name) is None
