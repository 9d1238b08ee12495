"""Which tests are for which stores: by the capabilities that a suite declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import isfunction
from typing import Any, Final, TypeVar

from jobkit.store import Capability

T = TypeVar("T")
_MARK: Final = "jobkit_only_with"


def only_with(*capabilities: Capability) -> Callable[[T], T]:
    """Keep a test, or all tests of a theme, for stores that have these capabilities.

    A value of a parameter may ask for more: then the bench skips that case.
    """

    def mark(marked: T) -> T:
        for test in own_tests(marked).values() if isinstance(marked, type) else [marked]:
            setattr(test, _MARK, needed_by(test) | frozenset(capabilities))
        return marked

    return mark


def needed_by(test: object) -> frozenset[Capability]:
    """Return the capabilities without which a test is not run.

    >>> from jobkit_testing.conformance.cancelling import Cancelling
    >>> sorted(needed_by(Cancelling.test_a_running_job_is_marked))
    [<Capability.CANCELS: 'cancels'>]
    """
    needed: frozenset[Capability] = getattr(test, _MARK, frozenset())
    return needed


def own_tests(theme: type) -> Mapping[str, Callable[..., Any]]:
    """Return the tests that stand in a class itself, by name."""
    members = vars(theme).items()
    return {name: test for name, test in members if name.startswith("test_") and isfunction(test)}


def all_tests(suite: type) -> Mapping[str, Callable[..., Any]]:
    """Return all tests of a class, by name."""
    return {name: test for theme in suite.__mro__ for name, test in own_tests(theme).items()}
