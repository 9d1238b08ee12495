"""The types of the public API say no to what jobkit would refuse at run time."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BAD = HERE / "bad.py"
PYRIGHT = ("--project", str(HERE / "pyrightconfig.json"), "--pythonpath", sys.executable)


def _marked() -> set[int]:
    lines = BAD.read_text("utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# rejected")}


def _rejected_by_mypy() -> set[int]:
    words = ["-m", "mypy", "--no-error-summary", "--hide-error-context", str(BAD)]
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {int(number) for number in re.findall(r"bad\.py:(\d+): error", done.stdout)}


def _rejected_by_pyright() -> set[int]:
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", *PYRIGHT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)["generalDiagnostics"]
    return {each["range"]["start"]["line"] + 1 for each in found if each["severity"] == "error"}


@pytest.mark.parametrize("rejected", [_rejected_by_mypy, _rejected_by_pyright])
def test_wrong_payloads_options_and_handlers_are_type_errors(
    rejected: Callable[[], set[int]],
) -> None:
    """B2, B57: each marked line is an error, and no other is."""
    assert rejected() == _marked()
