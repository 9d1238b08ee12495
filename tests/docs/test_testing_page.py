"""docs/testing.md: what it says of the plugin's options, beyond the tests that it shows."""

from __future__ import annotations

from pathlib import Path

from tests.docs.pages import ROOT, Page, run
from tests.servers import RedisServer

PAGE = Page(ROOT / "docs" / "testing.md")
NAME = "app.jobs.SendReceipt.json"


def test_a_test_of_any_jobs_runs_on_redis_and_the_guard_fails_as_shown(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    """The file of the page is what is recorded; the new field that it names fails the run."""
    PAGE.write_files(tmp_path)
    payloads = tmp_path / "tests" / "payloads"
    (recorded,) = PAGE.blocks("json")
    (failure,) = [text for text in PAGE.blocks("text") if "does not decode" in text]
    options = ("-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-o", "pythonpath=.",
               "--jobkit-payloads=tests/payloads", "tests/test_any.py")  # fmt: skip

    written = run(
        tmp_path,
        *("pytest", *options, "--jobkit-payloads-update", "--jobkit-backend=memory,redis"),
        environment={"JOBKIT_REDIS_URL": redis_server.url},
    )
    assert written.returncode == 0, written.stdout + written.stderr
    assert "2 passed" in written.stdout
    assert (payloads / NAME).read_text(encoding="utf-8") == recorded

    jobs = tmp_path / "app" / "jobs.py"
    source = jobs.read_text(encoding="utf-8")
    jobs.write_text(source.replace("email: str", "email: str\n    currency: str"), encoding="utf-8")
    checked = run(tmp_path, "pytest", *options)
    assert checked.returncode == 1
    assert failure in checked.stdout
