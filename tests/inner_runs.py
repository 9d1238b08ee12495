"""Runs of pytest inside of a test: what the plugin's tests have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from jobkit_testing.jobs import TestingJobs

# Each inner run forgets what it has imported; what is here already need not be loaded again.
LOADED = TestingJobs
Run: TypeAlias = Callable[..., pytest.RunResult]

HEAD = """
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import pytest
from jobkit_testing import TestingJobs

@dataclass(frozen=True)
class SendMail:
    user_id: int
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a function that runs one module of tests, without the plugins of others."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("JOBKIT_REDIS_URL", raising=False)

    def run(tests: str, *options: str, ini: str = "") -> pytest.RunResult:
        pytester.makepyfile(HEAD + tests)
        pytester.makeini(f"[pytest]\n{ini}")
        words = ("-p", "jobkit_testing.plugin", "-p", "no:cacheprovider", "-W", "error", *options)
        return pytester.runpytest_inprocess(*words)

    return run
