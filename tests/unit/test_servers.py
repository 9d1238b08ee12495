from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import PORTS, RedisServer, ServerError, find_servers, free_port

ROOT = Path(__file__).parents[2]
BINARIES = {binary.label: binary for binary in find_servers()}
OLDEST = BINARIES["redis-6.2"]


def python(*lines: str) -> str:
    """Run lines in an interpreter that has started a server and not left its context."""
    start = [
        "import os, sys",
        "from tests.servers import RedisServer, find_servers",
        "server = RedisServer(find_servers()[0]).__enter__()",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*start, *lines])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheels_bring_two_versions() -> None:
    assert {"redis-6.2", "redis-8.2"} <= BINARIES.keys()


def test_servers_are_listed_from_the_oldest_to_the_newest() -> None:
    versions = [binary.version for binary in find_servers()]

    assert versions == sorted(versions)


def test_each_version_starts_as_a_plain_server(each_redis_server: RedisServer) -> None:
    info = each_redis_server.ask("INFO server", "CONFIG GET save", "CONFIG GET appendonly")
    modules = each_redis_server.ask("MODULE LIST")

    assert f"redis_version:{'.'.join(map(str, each_redis_server.binary.version))}\r" in info
    assert f"process_id:{each_redis_server.pid}\r" in info
    assert "$4\r\nsave\r\n$0\r\n\r\n" in info
    assert "$10\r\nappendonly\r\n$2\r\nno\r\n" in info
    assert ".so" not in modules


def test_a_named_binary_wins_over_the_wheel_of_its_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine = tmp_path / "redis-server"
    mine.symlink_to(OLDEST.path)
    monkeypatch.setenv("JOBKIT_TEST_REDIS", str(mine))

    assert [binary.path for binary in find_servers() if binary.label == "redis-6.2"] == [mine]


def test_a_named_binary_that_is_missing_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JOBKIT_TEST_REDIS", str(tmp_path / "nothing"))

    with pytest.raises(ServerError, match="nothing --version failed"):
        find_servers()


def test_a_missing_wheel_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.servers.WHEELS", ("no_such_wheel",))

    with pytest.raises(ServerError, match="no redis-server in the package 'no_such_wheel'"):
        find_servers()


def test_a_killed_server_comes_back_on_its_port_with_what_it_had_written() -> None:
    with RedisServer(OLDEST, "--appendonly", "yes", "--appendfsync", "always") as server:
        url, pid = server.url, server.pid
        server.ask("SET kept yes")

        server.kill()
        assert not server.running
        server.restart()

        assert server.url == url
        assert server.pid != pid
        assert "yes" in server.ask("GET kept")


def test_nothing_is_left_of_a_server_after_its_context() -> None:
    with RedisServer(OLDEST) as server:
        directory = server.directory
        assert directory.exists()
        assert server.port in PORTS

    assert not server.running
    assert not directory.exists()


def test_a_taken_port_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, redis_server: RedisServer
) -> None:
    offered = [redis_server.port, redis_server.port, free_port()]
    monkeypatch.setattr("tests.servers.free_port", iter(offered).__next__)

    with RedisServer(OLDEST) as server:
        assert server.port == offered[-1]


def test_a_server_that_cannot_start_tells_its_log() -> None:
    with pytest.raises(ServerError, match="ended while starting"), RedisServer(OLDEST, "--no", "x"):
        pass


def test_a_server_ends_with_the_interpreter_that_started_it() -> None:
    pid, directory = python("print(server.pid, server.directory)").split()

    assert not Path("/proc", pid).exists()
    assert not Path(directory).exists()


def test_a_forked_child_leaves_the_server_to_its_parent() -> None:
    answer = python("if os.fork() == 0: sys.exit()", "os.wait(); print(server.ask('PING'))")

    assert answer.startswith("+PONG")
