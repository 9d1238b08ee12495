"""From `module:attribute` to the backend or the Handlers that it names."""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from jobkit.errors import JobkitError
from jobkit.handlers import Handlers
from jobkit.worker import WorkingJobs

DEFAULT_ATTRIBUTE = "jobs"
ACCEPTED = (
    "a backend (RedisJobs, MemoryJobs), a Handlers, or a function without required parameters "
    "that returns one"
)
MOST_FRAMES = 8
_OURS = (str(Path(__file__).parent), import_module.__code__.co_filename, "<frozen importlib")

Application: TypeAlias = WorkingJobs | Handlers


class CannotLoad(JobkitError):
    """The application is not there, cannot be imported, or is not what it should be."""


def load(target: str, imports: Iterable[str] = ()) -> Application:
    """Import a target, and the modules that register handlers on it; raises `CannotLoad`.

    A function is called after all imports.
    """
    _look_in_current_directory()
    name, _, attribute = target.partition(":")
    module = _import(name)
    for other in imports:
        _import(other)
    if not attribute:
        attribute = _choose(module)
    return _application(_find(module, attribute), f"{module.__name__}:{attribute}")


def import_all(names: Iterable[str]) -> None:
    """Import modules; raises `CannotLoad`."""
    _look_in_current_directory()
    for name in names:
        _import(name)


def load_class(target: str) -> type:
    """Import a class, written module:Class; raises `CannotLoad`."""
    _look_in_current_directory()
    name, _, attribute = target.partition(":")
    if not attribute:
        raise CannotLoad(f"{target!r} is no job type: write module:Class, e.g. app.mail:Send")
    found: Any = _import(name)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise CannotLoad(
                f"{name} has no attribute {attribute!r}; give module:Class of a job type in it"
            )
        found = getattr(found, part)
    if not isinstance(found, type):
        raise CannotLoad(f"{target} is {_described(found)}; give a job type")
    return found


def brief_traceback(error: BaseException) -> str:
    """Return the traceback of the user's code: without our frames before it, the end of it."""
    entry = error.__traceback__
    while entry is not None and entry.tb_frame.f_code.co_filename.startswith(_OURS):
        entry = entry.tb_next
    lines = traceback.format_exception(type(error), error, entry, limit=-MOST_FRAMES)
    return "".join(lines).rstrip()


def _look_in_current_directory() -> None:
    # As `python -m` does; the `jobkit` script begins with its own directory instead.
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)


def _import(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise CannotLoad(f"{name!r} is no module: write it as in an import, e.g. app.jobs")
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise CannotLoad(_not_found(name, error)) from None
        raise _failed(f"importing {name}", error) from error
    except (Exception, SystemExit) as error:
        raise _failed(f"importing {name}", error) from error


def _not_found(name: str, error: ModuleNotFoundError) -> str:
    hint = f"run it where {name.partition('.')[0]} can be imported; this is {os.getcwd()}"
    if name.endswith(".py"):
        hint = f"write it without .py: {name.removesuffix('.py')}"
    return f"{error.msg}: {hint}"


def _failed(what: str, error: BaseException) -> CannotLoad:
    return CannotLoad(f"{what} failed:\n{brief_traceback(error)}")


def _choose(module: ModuleType) -> str:
    """Return the attribute of a target that names none."""
    default = getattr(module, DEFAULT_ATTRIBUTE, None)
    if isinstance(default, Application) or inspect.isfunction(default):
        return DEFAULT_ATTRIBUTE
    candidates = _candidates(module)
    if len(candidates) == 1:
        return next(iter(candidates))
    if not candidates:
        raise CannotLoad(f"{module.__name__} has no attribute {DEFAULT_ATTRIBUTE!r} {_give()}")
    raise CannotLoad(f"{module.__name__} has several: choose one of\n{_listed(module)}")


def _find(module: ModuleType, attribute: str) -> Any:
    found: Any = module
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            listed = _listed(module)
            instead = f"; there is\n{listed}" if listed else f" {_give()}"
            raise CannotLoad(f"{module.__name__} has no attribute {attribute!r}{instead}") from None
    return found


def _application(found: Any, label: str) -> Application:
    if isinstance(found, Application):
        return found
    if not callable(found):
        raise CannotLoad(f"{label} is {_described(found)}; give {ACCEPTED}")
    if required := _required_parameters(found):
        raise CannotLoad(f"{label} needs {', '.join(required)}; give {ACCEPTED}")
    try:
        made = found()
    except (Exception, SystemExit) as error:
        raise _failed(f"calling {label}", error) from error
    if isinstance(made, Application):
        return made
    if inspect.iscoroutine(made):
        made.close()  # or Python warns that it was never awaited
    raise CannotLoad(f"{label} returned {_described(made)}; give {ACCEPTED}")


def _required_parameters(function: Any) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some builtins tell nothing
        return []
    return [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]


def _candidates(module: ModuleType) -> dict[str, Application]:
    """Return the backends and Handlers of a module, each under one name."""
    found: dict[str, Application] = {}
    for name, value in vars(module).items():
        if isinstance(value, Application) and not any(value is other for other in found.values()):
            found[name] = value
    return found


def _listed(module: ModuleType) -> str:
    candidates = _candidates(module)
    return "\n".join(f"  {module.__name__}:{name}  {value!r}" for name, value in candidates.items())


def _give() -> str:
    return (
        f"and nothing else that would do; give {ACCEPTED}. "
        "A module that has job types alone goes in --import"
    )


def _described(value: object) -> str:
    return f"{'an' if type(value).__name__[0] in 'AEIOUaeiou' else 'a'} {type(value).__qualname__}"
