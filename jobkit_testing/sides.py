"""The part of the plugin that compares the sides of a test of `any_jobs`.

Registered when several backends are chosen. Under xdist the sides of a test may run in different
workers: each puts its timeline, as text, into the report of its test, and the controller compares.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pytest

from jobkit_testing.plugin import is_testing_jobs

FIXTURE = "any_jobs"
TITLE = "jobkit: backends that differ"
SAME = "with the same timeline: so what was read differs, or what the test itself does"
REPORTS_SHOWN = 3  # of the others only the tests are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """How a test ended on one backend, and its timeline as text."""

    outcome: str
    told: str


@dataclass(slots=True)
class _Findings:
    """What is told at the end: the tests that differ, and how many could not be compared."""

    differences: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    not_compared: int = 0


class Sides:
    """Collects the sides of each test, compares them once all are there, and tells the end."""

    def __init__(self, backends: list[str]) -> None:
        self._backends = backends
        self._waiting: dict[str, dict[str, Side]] = {}
        self._found = _Findings()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the timeline of a test that has run into its report."""
        report = yield
        fixtures: dict[str, Any] = getattr(item, "funcargs", None) or {}
        jobs: Any = fixtures.get(FIXTURE)
        if call.when == "call" and is_testing_jobs(jobs):
            from jobkit_testing.telling import tell

            test, backend = _name_of(item)
            # Reports may have attributes of any name; those of plain values travel.
            report.jobkit_side = [test, backend, tell(jobs.timeline).encode()]  # type: ignore[attr-defined]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one side; compare when it is the last."""
        side: list[str] | None = getattr(report, "jobkit_side", None)
        if side is None:
            return
        test, backend, told = side
        sides = self._waiting.setdefault(test, {})
        sides[backend] = Side(outcome=report.outcome, told=told)
        if len(sides) == len(self._backends):
            self._compare(test, self._waiting.pop(test))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what differs."""
        found = self._found
        if not found.differences and not found.not_compared:
            return
        terminalreporter.section(TITLE, red=bool(found.differences), bold=True)
        for head, text in found.differences[:REPORTS_SHOWN]:
            terminalreporter.line(head, red=True)
            terminalreporter.line(f"\n{text}\n")
        for head, _ in found.differences[REPORTS_SHOWN:]:
            terminalreporter.line(head, red=True)
        if found.not_compared:
            from jobkit_testing.comparing import START

            terminalreporter.line(
                f"tests not compared, as their sides began at different instants: "
                f"{found.not_compared}; give them one start: {START}"
            )

    def _compare(self, test: str, sides: dict[str, Side]) -> None:
        from jobkit_testing.comparing import difference
        from jobkit_testing.telling import decode_told

        first, *others = self._backends
        one, a = sides[first], decode_told(sides[first].told)
        for name in others:
            other, b = sides[name], decode_told(sides[name].told)
            if "skipped" in (one.outcome, other.outcome):
                continue
            if one.outcome != other.outcome:
                head = f"{test} {one.outcome} on {first} and {other.outcome} on {name}"
                text = difference(a, b) or SAME
                self._found.differences.append((head, text))
            elif a.start != b.start:
                self._found.not_compared += 1
            elif text := difference(a, b):
                self._found.differences.append((f"{test} differs between {first} and {name}", text))


def _name_of(item: pytest.Item) -> tuple[str, str]:
    """Return the name that the sides of a test share, and the backend of this one."""
    callspec: Any = getattr(item, "callspec", None)
    backend = str(callspec.params[FIXTURE])
    name, _, parameters = item.nodeid.partition("[")
    rest = parameters.removeprefix(backend).removeprefix("-")  # its parameter comes first
    return f"{name}[{rest}" if rest != "]" else name, backend
