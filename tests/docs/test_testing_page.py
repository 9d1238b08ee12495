"""docs/testing.md: what it says of the plugin's options, beyond the tests that it shows."""

from __future__ import annotations

from pathlib import Path

from jobkit_testing.payload_files import read_files
from tests.docs.pages import ROOT, Page, run
from tests.servers import RedisServer

PAGE = Page(ROOT / "docs" / "testing.md")
NAME = "app.jobs.SendReceipt.json"


def test_a_test_of_any_jobs_runs_on_redis_and_the_guard_fails_as_shown(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    """The file of the page is on file; the new field that the page names fails the run."""
    PAGE.write_files(tmp_path)
    payloads = tmp_path / "tests" / "payloads"
    payloads.mkdir()
    (recorded,) = PAGE.blocks("json")
    (failure,) = [text for text in PAGE.blocks("text") if "does not decode" in text]
    (payloads / NAME).write_text(recorded, encoding="utf-8")
    assert read_files(payloads)["app.jobs.SendReceipt"].text == recorded.encode()
    _replace(tmp_path / "app" / "jobs.py", "email: str", "email: str\n    currency: str")
    _replace(tmp_path / "app" / "checkout.py", "(order, email)", "(order, email, 'eur')")

    checked = run(
        tmp_path,
        *("pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"),
        *("-o", "pythonpath=.", "--jobkit-payloads=tests/payloads"),
        *("--jobkit-backend=memory,redis", "tests/test_any.py"),
        environment={"JOBKIT_REDIS_URL": redis_server.url},
    )

    assert checked.returncode == 1
    assert "2 passed" in checked.stdout
    assert failure in checked.stdout


def _replace(path: Path, old: str, new: str) -> None:
    source = path.read_text(encoding="utf-8")
    assert old in source
    path.write_text(source.replace(old, new), encoding="utf-8")
