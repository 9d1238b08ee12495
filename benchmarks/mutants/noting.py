"""A pytest plugin that writes down which test failed first, or which one hangs.

To the file that the environment names go a line for each test that begins, and one for a failure.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

NOTES = "JOBKIT_MUTANT_NOTES"
BEGAN = "began "
FAILED = "failed "


def _note(line: str) -> None:
    with Path(os.environ[NOTES]).open("a") as notes:
        notes.write(f"{line}\n")


def pytest_runtest_logstart(nodeid: str) -> None:
    """Write down which test begins: if it hangs, that is the one."""
    _note(f"{BEGAN}{nodeid}")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write down a failure."""
    if report.failed:
        _note(f"{FAILED}{report.nodeid}")


def failed_test(notes: str, *, hangs: bool) -> str | None:
    """Return the test that failed first, or that hangs; None: no test did."""
    lines = notes.splitlines()
    failed = next((line for line in lines if line.startswith(FAILED)), None)
    if failed is not None:
        return failed.removeprefix(FAILED)
    return lines[-1].removeprefix(BEGAN) if hangs and lines else None
