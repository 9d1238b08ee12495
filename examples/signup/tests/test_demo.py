"""The demo as its users start it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from examples.signup.backends import ROOT
from examples.signup.servers import HOST
from tests.servers import RedisServer, find_servers, free_port

TIMEOUT = 50  # seconds; it takes three


def run_demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "examples.signup", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )


def table(output: str) -> dict[str, list[str]]:
    """Return enqueued, done, retried and dead of each row, and what its jobs died of."""
    types = ("SendWelcomeEmail", "WriteCertificate", "CallWebhook", "total")
    rows = [line.split(maxsplit=6) for line in output.splitlines()]
    return {
        row[0]: [*row[1:5], *map(str.strip, row[6:])]
        for row in rows
        if row and row[0] in types and not row[1].count("/")
    }


def assert_complete(demo: subprocess.CompletedProcess[str]) -> None:
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert demo.stderr == ""
    rows = table(demo.stdout)
    refused = "SMTP 550 5.1.1 no such user here (1)"
    assert [column.strip() for column in rows["SendWelcomeEmail"]] == [
        "185",
        "184",
        "4",
        "1",
        refused,
    ]
    assert rows["WriteCertificate"][:2] == ["185", "185"]
    assert rows["CallWebhook"][:2] == ["58", "57"]
    assert rows["CallWebhook"][3:] == ["1", "timed out (1)"]
    assert rows["total"][:2] == ["428", "426"]
    assert demo.stdout.count("\nok ") == 3


def test_the_demo_in_memory_ends_with_a_table_and_everything_arrived() -> None:
    demo = run_demo()

    assert_complete(demo)
    assert "line 43: '2026-02-30' is not a date like 2026-01-31" in demo.stdout


def test_the_demo_on_redis_with_a_worker_process_gives_the_same_table() -> None:
    with RedisServer(find_servers()[-1]) as server:
        demo = run_demo("--redis", server.url)
        left = server.ask("KEYS *")

    assert_complete(demo)
    keys = int(left.removeprefix("*").partition("\r\n")[0])
    assert keys < 20  # of its 428 jobs nothing stays but what was counted


def test_the_certificates_can_be_kept(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("email,name,signed_up_on,partner\nann@mail.example,Ann,2026-01-31,\n")

    demo = run_demo("--subscribers", str(people), "--keep", str(tmp_path / "kept"))

    assert demo.returncode == 0, demo.stdout
    assert "Ann" in (tmp_path / "kept" / "1.svg").read_text()


def test_a_file_that_is_none_of_subscribers_is_refused_by_its_header() -> None:
    demo = run_demo("--subscribers", str(ROOT / "pyproject.toml"))

    assert demo.returncode == 1
    assert demo.stdout.startswith("Malformed: line 1 is '[build-system]'")
    assert "Traceback" not in demo.stderr


def test_without_a_redis_the_demo_says_so() -> None:
    demo = run_demo("--redis", f"redis://{HOST}:{free_port()}")

    assert demo.returncode == 1
    assert "BackendUnavailable" in demo.stdout
    assert "Traceback" not in demo.stderr
