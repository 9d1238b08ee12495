"""Job types: a dataclass with a stored name, options and a codec."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import sys
import threading
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar, Unpack, cast, overload

from jobkit.checks import type_name
from jobkit.codec import (
    DataclassLike,
    J,
    PayloadCodec,
    UnresolvedAnnotation,
    label,
    sensitive_fields,
)
from jobkit.errors import InvalidJob, InvalidOption
from jobkit.options import JOB_CHECKS, JobOptions, check_options

__all__ = ["DataclassLike", "J", "JobType", "job", "job_type", "job_type_of", "named_type"]

T = TypeVar("T")

# Kept on the class itself: a look-up is one dict access, and nothing outlives the class.
_DECLARED = "__jobkit_declared__"
_TYPE = "__jobkit_type__"
# multiprocessing gives the main module the second name in the processes that it spawns.
_MAIN = ("__main__", "__mp_main__")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JobType(Generic[J]):
    """A dataclass whose instances are jobs.

    `options` are those of `@job`, inherited ones included, without name and aliases. `durable`
    is False for a class of a script, which no other process can find by its name.
    """

    cls: type[J]
    name: str
    aliases: tuple[str, ...]
    options: JobOptions
    durable: bool
    sensitive: frozenset[str]
    codec: PayloadCodec[J]

    def encode(self, job: J, /, *, max_payload: int) -> bytes:
        """Return the payload; raise `InvalidJob` if it does not come back equal or is too big."""
        payload = self.codec.encode(job)
        if len(payload) > max_payload:
            raise InvalidJob(
                f"{label(self.cls)}: the payload has {len(payload):,} bytes and the limit is "
                f"{max_payload:,}; keep the data elsewhere and its key in the job, or raise "
                "max_payload"
            )
        return payload

    def decode(self, payload: bytes, /) -> J:
        """Return a new job; raise `InvalidJob` with the path if the payload does not fit."""
        return self.codec.decode(payload)


@overload
def job(cls: type[T], /) -> type[T]: ...
@overload
def job(**options: Unpack[JobOptions]) -> Callable[[type[T]], type[T]]: ...
def job(
    cls: type[T] | None = None, /, **options: Unpack[JobOptions]
) -> type[T] | Callable[[type[T]], type[T]]:
    """Give a dataclass its name, and defaults for its jobs; above or below `@dataclass`.

    Raise `InvalidOption` for a bad option, and `InvalidJob` for a field that cannot be stored.

    >>> @job(name="mail.send", queue="mail", max_retries=5)
    ... @dataclass(frozen=True)
    ... class Send:
    ...     user_id: int
    >>> job_type(Send).name
    'mail.send'
    """
    check_options(options, JOB_CHECKS, of="@job")
    if cls is None:
        return lambda decorated: _declare(decorated, options)
    return _declare(cls, options)


def job_type(cls: type[J], /) -> JobType[J]:
    """Return the job type of a dataclass, always the same; raise `InvalidJob` for all else."""
    # Types are a promise that user code may break at run time.
    if not isinstance(cls, type):  # pyright: ignore[reportUnnecessaryIsInstance]
        _refuse_no_class(cls)
    found: JobType[J] | None = cls.__dict__.get(_TYPE)
    # A class that @dataclass(slots=True) has copied brings the type of its original.
    return found if found is not None and found.cls is cls else _make(cls)


def job_type_of(job: J, /) -> JobType[J]:
    """Return the type of a job; raise `InvalidJob` for what is not an instance of a dataclass."""
    cls = type(job)
    found: JobType[J] | None = cls.__dict__.get(_TYPE)
    if found is not None and found.cls is cls:
        return found
    if not dataclasses.is_dataclass(cls):
        _refuse_no_job(job)
    return _make(cls)


def named_type(name: str) -> JobType[Any] | None:
    """Return the newest type in this process with this stored name or alias, if there is one.

    A dataclass of a module that is loaded need not have been used as a job before.
    """
    cls = _known.newest(name)
    return _unused_type(name) if cls is None else job_type(cls)


def _unused_type(name: str) -> JobType[Any] | None:
    """Look for a class of this `module.QualName` in the modules that are loaded."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(parts[:length]))
        for part in parts[length:]:
            found = getattr(found, "__dict__", {}).get(part)  # runs no code of a lazy module
        if isinstance(found, type) and dataclasses.is_dataclass(found):
            with contextlib.suppress(InvalidJob):  # no job type, so nobody stored it
                made: JobType[Any] = job_type(found)
                return made if made.name == name else None
    return None


class _Known:
    """The classes of this process by stored name and alias, oldest first, held weakly."""

    def __init__(self) -> None:
        self._classes: dict[str, list[weakref.ref[type[Any]]]] = {}

    def add(self, cls: type[Any], names: Iterable[str]) -> None:
        with _lock:
            for name in names:
                alive = [ref for ref in self._classes.get(name, ()) if ref() is not None]
                if all(ref() is not cls for ref in alive):
                    alive.append(weakref.ref(cls))
                self._classes[name] = alive

    def newest(self, name: str) -> type[Any] | None:
        classes = (ref() for ref in reversed(self._classes.get(name, [])))
        return next((cls for cls in classes if cls is not None), None)


_lock = threading.RLock()
_known = _Known()


class _Declaration:
    """What `@job` says about one class."""

    def __init__(self, cls: type[Any], options: JobOptions) -> None:
        self.options = options
        self.name, self.durable = _stored_name(cls, options.get("name"))
        self.aliases = tuple(options.get("aliases", ()))
        if self.name in self.aliases or len(set(self.aliases)) < len(self.aliases):
            raise InvalidOption(
                f"@job of {label(cls)}: aliases={list(self.aliases)!r} has a name twice, or the "
                f"name {self.name!r} itself; give each old name once"
            )
        _known.add(cls, self.names)

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)

    def __set_name__(self, owner: type[Any], name: str) -> None:
        # Called when @dataclass(slots=True) makes a new class from the one that @job was given.
        _known.add(owner, self.names)


def _declare(cls: type[T], options: JobOptions) -> type[T]:
    # As in `job_type`.
    if not isinstance(cls, type):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidOption(
            f"@job was given {_kind(cls)}; it takes a class, and options by name: "
            '@job(queue="mail")'
        )
    if _DECLARED in cls.__dict__:
        raise InvalidOption(f"@job is on {label(cls)} twice; give all options in one")
    if _TYPE in cls.__dict__:
        raise InvalidOption(f"{label(cls)} is in use already; put @job where it is defined")
    setattr(cls, _DECLARED, _Declaration(cls, options))
    if "__dataclass_fields__" in cls.__dict__:
        # Names that are defined further down are looked up at first use.
        with contextlib.suppress(UnresolvedAnnotation):
            job_type(cast("type[DataclassLike]", cls))  # it has just been found to be one
    return cls


def _make(cls: type[J]) -> JobType[J]:
    with _lock:
        found: JobType[J] | None = cls.__dict__.get(_TYPE)
        if found is not None and found.cls is cls:
            return found
        _check_dataclass(cls)
        declared: _Declaration = cls.__dict__.get(_DECLARED) or _Declaration(cls, {})
        made = JobType(
            cls=cls,
            name=declared.name,
            aliases=declared.aliases,
            options=_effective_options(cls),
            durable=declared.durable,
            sensitive=sensitive_fields(cls),
            codec=PayloadCodec(cls),
        )
        setattr(cls, _TYPE, made)
        return made


def _effective_options(cls: type[Any]) -> JobOptions:
    options: JobOptions = {}
    for base in reversed(cls.__mro__):
        declared: _Declaration | None = base.__dict__.get(_DECLARED)
        if declared is not None:
            options |= declared.options
    options.pop("name", None)
    options.pop("aliases", None)
    return options


def _stored_name(cls: type[Any], given: str | None) -> tuple[str, bool]:
    """Return the name, and whether another process can find the class by it."""
    if given is not None:
        return given, True
    module = cls.__module__
    if is_script := module in _MAIN:
        spec = getattr(sys.modules.get(module), "__spec__", None)
        module = getattr(spec, "name", "__main__")
        is_script = module in _MAIN
    name = f"{module}.{cls.__qualname__}"
    if complaint := type_name(name):
        raise InvalidJob(f"{name}: {complaint}; give one: @job(name=...)")
    return name, not is_script


def _check_dataclass(cls: type[Any]) -> None:
    if not dataclasses.is_dataclass(cls):
        raise InvalidJob(f"{label(cls)} is not a dataclass; put @dataclass on it")
    if "__dataclass_fields__" in cls.__dict__:
        return
    annotations = inspect.get_annotations(cls).items()
    if own := [name for name, annotation in annotations if "ClassVar" not in str(annotation)]:
        raise InvalidJob(
            f"{label(cls)} adds {', '.join(own)} to a dataclass, but is none itself; "
            "put @dataclass on it"
        )


def _refuse_no_class(given: object) -> NoReturn:
    if hasattr(given, "__origin__"):
        fix = f"name this type: @dataclass class Mine({given}): ..."
    elif dataclasses.is_dataclass(given):
        fix = f"give the class: {type(given).__qualname__}"
    else:
        fix = "give a dataclass"
    raise InvalidJob(f"a job type is a class, not {_kind(given)}; {fix}")


def _refuse_no_job(given: Any) -> NoReturn:
    cls: type[Any] = given.__class__
    if issubclass(cls, type) and hasattr(given, "__dataclass_fields__"):
        fields = ", ".join(f"{field.name}=..." for field in dataclasses.fields(given))
        fix = f"give an instance: {given.__qualname__}({fields})"
    elif issubclass(cls, type) or cls.__module__ == "builtins":
        fix = "give an instance of a dataclass, e.g. SendWelcome(user_id=7)"
    else:
        fix = f"put @dataclass on {cls.__qualname__}"
    raise InvalidJob(f"{_kind(given)} is not a job; {fix}")


def _kind(given: object) -> str:
    """Name what was given, without its value: it may be a secret."""
    match given:
        case None:
            return "None"
        case type():
            return f"the class {label(given)}"
        case _:
            return f"an instance of {label(type(given))}"
