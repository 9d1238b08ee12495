"""A short form of `make chaos`: workers are killed at random, and no job is lost."""

from __future__ import annotations

import re
import subprocess
import sys


def test_no_job_is_lost_when_workers_are_killed() -> None:
    """B37: what a dead worker held runs again, and every acknowledged job ends."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.chaos",
            "--kills",
            "15",
            "--seconds",
            "5",
            "--seed",
            "7",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    figures = dict(re.findall(r"^(\D+?) +([\d,]+)", done.stdout, re.MULTILINE))
    assert int(figures["workers killed"]) >= 5
    assert figures["jobs lost"] == "0"
    assert figures["dead without a reason"] == "0"
    assert figures["broken invariants"] == "0"
    assert figures["runs cut off by a kill"] != "0"
