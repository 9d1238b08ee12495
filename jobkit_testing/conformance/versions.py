"""The version of the suite, so that a store's author learns what has changed.

Major: a store that passes may have to do more, because a promise, an operation or a capability
is new or another one. Minor: more tests of promises that were there; who fails them had a bug.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from jobkit.store import Capability

if TYPE_CHECKING:
    from jobkit_testing.conformance.suite import StoreConformance

VERSION: Final = "1.0"


def check_version(suite: str, requires: str) -> None:
    """Raise `TypeError` if a suite was written for another major version, or for a later one.

    >>> check_version("TestMine", requires="1")
    >>> check_version("TestMine", requires="")
    """
    if not requires:
        return
    wanted, have = _parts(suite, requires), _parts(suite, VERSION)
    if wanted[0] != have[0] or wanted > have:
        raise TypeError(
            f"{suite} requires version {requires} of StoreConformance, and this is {VERSION}: see "
            f"CHANGELOG.md for what a store has to do now, then write requires = "
            f'"{have[0]}"'
        )


def _parts(suite: str, version: str) -> tuple[int, ...]:
    try:
        return tuple(map(int, version.split(".")))
    except ValueError:
        raise TypeError(f'{suite}.requires={version!r}: write a version such as "1"') from None


def report_lines(classes: Iterable[type | None]) -> list[str]:
    """Describe the suites among the classes of what was collected."""
    from jobkit_testing.conformance.suite import StoreConformance

    suites = dict.fromkeys(each for each in classes if each and issubclass(each, StoreConformance))
    return [described(suite) for suite in suites]


def described(suite: type[StoreConformance]) -> str:
    """Say by which version a suite judges a store, and what that declares."""
    left_out = [each.value for each in Capability if each not in suite.capabilities]
    without = f"without {', '.join(left_out)}" if left_out else "with every capability"
    excepted = f"; {len(suite.exceptions)} exceptions" if suite.exceptions else ""
    return f"StoreConformance {VERSION}: {suite.__name__}, {without}{excepted}"
