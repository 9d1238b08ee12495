"""A short form of `make mutants`: one bug in a script."""

from __future__ import annotations

import json
import subprocess
import sys

BUG = "redis: a check-in is taken after the lease was lost"


def test_a_bug_is_caught_by_the_test_of_what_it_breaks() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.mutants", "--json", "--only", BUG],
        capture_output=True,
        text=True,
        check=False,
        timeout=55,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["name"], told["caught"], told["trouble"]) == (BUG, True, "")
    assert "test_only_the_holder_of_a_lease_checks_in" in told["conformance"]["by"]
