"""What an import loads, and what it costs: producers import jobkit in every web process."""

from __future__ import annotations

import subprocess
import sys

BUDGET = 0.060  # seconds of processor time


def loaded_by(module: str, *, after: str = "sys") -> set[str]:
    """Name the top-level modules outside the standard library that an import adds."""
    script = f"""
import sys, {after}
before = set(sys.modules)
import {module}
print(*(set(sys.modules) - before))
"""
    names = {name.partition(".")[0] for name in python(script).split()}
    return {name for name in names if name not in sys.stdlib_module_names}


def python(script: str) -> str:
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_jobkit_loads_nothing_but_jobkit() -> None:
    assert loaded_by("jobkit") == {"jobkit"}


def test_importing_jobkit_is_within_its_budget() -> None:
    script = """
import time
start = time.process_time()
import jobkit
print(time.process_time() - start)
"""
    assert min(float(python(script)) for _ in range(5)) < BUDGET


def test_the_pytest_plugin_loads_front_doors_only() -> None:
    """Every test run pays for it, also those that never ask for a double."""
    script = """
import sys, pytest, jobkit_testing.plugin
print(*(name for name in sys.modules if name.startswith("jobkit")))
"""
    loaded = set(python(script).split())

    assert loaded_by("jobkit_testing.plugin", after="pytest") == {"jobkit", "jobkit_testing"}
    assert loaded == {"jobkit", "jobkit.lazy", "jobkit_testing", "jobkit_testing.plugin"}


def test_a_double_loads_no_worker_and_no_redis() -> None:
    """It has the parts of a worker that decide, and runs handlers where the test is."""
    script = """
import sys
import jobkit_testing
jobkit_testing.TestingJobs()
print(*sys.modules)
"""
    loaded = set(python(script).split())

    assert "jobkit_testing.jobs" in loaded
    assert not loaded & {"jobkit.worker.worker", "jobkit.worker.pump", "multiprocessing", "redis"}
