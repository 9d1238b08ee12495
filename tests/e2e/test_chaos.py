"""A short form of `make chaos`: workers are killed at random, and no job is lost."""

from __future__ import annotations

import re
import subprocess
import sys


def chaos(*options: str) -> dict[str, str]:
    """Run it, and return its figures."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos", "--seed", "7", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(re.findall(r"^(\D.*?)  +([\d,]+)", done.stdout, re.MULTILINE))


def test_no_job_is_lost_when_workers_are_killed() -> None:
    """B16, B37: what a dead worker held runs again, and every acknowledged job ends.

    Each tick of the schedules makes one job, and none is left out.
    """
    figures = chaos("--kills", "15", "--seconds", "5")

    assert int(figures["workers killed"]) >= 2
    assert int(figures["ticks"]) >= 15  # three schedules for five seconds
    assert figures["ticks without one job"] == "0"
    assert figures["jobs lost"] == "0"
    assert figures["dead without a reason"] == "0"
    assert figures["broken invariants"] == "0"
    assert figures["runs cut off by a kill"] != "0"


def test_a_limit_holds_over_processes_that_are_killed() -> None:
    """B26: never four at once where three may run, as the kernel's locks tell; never stuck."""
    figures = chaos("--limits", "--workers", "5", "--kills", "6", "--seconds", "4")

    assert figures["more than 3 at once"] == "0"
    assert figures["places never used"] == "0"
    assert figures["jobs lost"] == figures["jobs stuck"] == "0"
    assert figures["broken invariants"] == "0"
    assert int(figures["workers killed"]) >= 2
    assert int(figures["jobs acknowledged"].replace(",", "")) >= 80
