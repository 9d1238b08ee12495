"""A short form of `make mutants`: one bug."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

BUG = "memory: the fence does not grow"


@pytest.mark.timeout(120)  # six programs one after the other, on a machine that may be busy
def test_a_bug_is_caught_by_all_that_should_catch_it() -> None:
    command = [sys.executable, "-m", "benchmarks.mutants", "--json", "--steps", "400"]

    done = subprocess.run(
        [*command, "--only", BUG], capture_output=True, text=True, check=False, timeout=110
    )

    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["name"], told["caught"], told["trouble"]) == (BUG, True, "")
    assert "::TestMutated::test_" in told["conformance"]["by"]
    assert told["differential"]["by"] == "Claim"
    assert told["differential"]["shrunk"] <= 3
