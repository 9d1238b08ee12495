"""The pytest plugin under xdist: what its workers see comes together."""

from __future__ import annotations

import json

import pytest

pytest_plugins = ["pytester"]

SHOP = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Sell:
    thing: str | None
"""
TESTS = """
import pytest
from shop import Sell

pytestmark = pytest.mark.jobkit(start="2030-01-01T00:00Z")

def test_one(any_jobs, request):
    any_jobs.enqueue(Sell("x"), priority=len(request.node.name))

def test_other(jobs):
    jobs.enqueue(Sell(None))
"""


def test_sides_and_payloads_of_several_workers_come_together(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Round robin gives each side of `test_one`, and each of the payloads, to another worker."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(TESTS, shop=SHOP)
    folder = pytester.path / "payloads"
    folder.mkdir()
    (folder / "shop.Gone.json").write_text('{"type":"shop.Gone","class":"shop:Gone","payloads":[]}')

    result = pytester.runpytest_subprocess(
        *("-p", "xdist", "-p", "jobkit_testing.plugin", "-p", "no:cacheprovider"),
        *("-n", "2", "--dist", "load", "--maxschedchunk", "1"),
        *("--jobkit-backend=memory,fakeredis", "--jobkit-payloads=payloads"),
        "--jobkit-payloads-update",
    )

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines_random(
        [
            "*::test_one differs between memory and fakeredis",
            "! priority",
            "jobkit payloads: 1 files written in *, 1 removed",
        ]
    )
    (file,) = folder.iterdir()
    things = [payload["thing"] for payload in json.loads(file.read_text())["payloads"]]
    assert things == ["x", None]
