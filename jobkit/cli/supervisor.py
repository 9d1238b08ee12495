"""`jobkit worker --processes N`: several worker processes, kept alive and stopped together.

The supervisor does not load the application. It reads signals, what its processes say over their
lines (see `supervised`), and their deaths, all from one queue of events; it writes to those lines
and to the log. If it dies itself, the lines end, and the processes stop in order.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from queue import Empty, SimpleQueue

from jobkit.cli.exit_codes import ExitCode
from jobkit.cli.restarts import Life, Restart, after, delay, exit_code
from jobkit.cli.supervised import VARIABLE
from jobkit.clock import Clock, SystemClock
from jobkit.ids import jitter
from jobkit.worker.exits import said
from jobkit.worker.signals import stop_signals

GRACE = 15.0  # seconds beyond the shutdown timeout that a process has to be gone
LAST_LINES = 1.0  # seconds for what a dead process has said
_LOGGER = logging.getLogger("jobkit.cli")

Event = Callable[[], None]


class Process:
    """One worker process. `worker`: its worker's name, once it serves."""

    def __init__(self, command: Sequence[str], *, since: float) -> None:
        self.since = since
        self.worker = ""
        self._link, theirs = socket.socketpair()
        with theirs, ExitStack() as unless_started:
            unless_started.enter_context(self._link)
            self.popen = subprocess.Popen(
                command,
                env={**os.environ, VARIABLE: str(theirs.fileno())},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C is for the supervisor, which tells all in order
            )
            unless_started.pop_all()

    def watch(self, on_line: Callable[[str], None], on_end: Callable[[int], None]) -> None:
        """Begin to hear what it says, and of its end."""
        reader = threading.Thread(target=self._read, args=(on_line,), daemon=True)
        reader.start()
        threading.Thread(target=self._wait, args=(reader, on_end), daemon=True).start()

    def say(self, line: str) -> None:
        """Write a line to it; nothing, if it is gone."""
        with suppress(OSError):
            self._link.sendall(f"{line}\n".encode())

    def signal(self, number: int) -> None:
        """Send a signal; nothing, if it is gone."""
        self.popen.send_signal(number)

    def _read(self, on_line: Callable[[str], None]) -> None:
        with suppress(OSError), self._link.makefile("r", encoding="utf-8") as lines:
            for line in lines:
                on_line(line.rstrip("\n"))

    def _wait(self, reader: threading.Thread, on_end: Callable[[int], None]) -> None:
        code = self.popen.wait()
        reader.join(LAST_LINES)  # longer, only if something that it started holds the line
        self._link.close()
        on_end(code)


class Place:
    """Where one process after the other works.

    `deaths`: short lives in a row. `starts_at`: when the next one is to be started. `code`: how
    the last one ended.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: Process | None = None
        self.deaths = 0
        self.starts_at: float | None = None
        self.code: int = ExitCode.OK


class Supervisor:
    """Runs the same command in several processes."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        processes: int,
        burst: bool,
        shutdown_timeout: float,
        clock: Clock | None = None,
    ) -> None:
        self._command = command
        self._burst = burst
        self._patience = shutdown_timeout + GRACE
        self._clock = clock or SystemClock()
        self._places = [Place(number) for number in range(1, processes + 1)]
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._dead: dict[str, Process | None] = {}  # name of a dead worker -> who was told
        self._has_anybody_served = False
        self._stopping = False
        self._kill_at = float("inf")

    def run(self) -> ExitCode:
        """Keep the processes running until a signal, or until there is nothing more to start.

        Main thread only: it installs signal handlers while it runs.
        """
        with stop_signals(lambda: self._events.put(self._hurry)) as stop:
            threading.Thread(target=self._pass_on, args=(stop,), daemon=True).start()
            try:
                for place in self._places:
                    self._start(place)
                while any(p.process or p.starts_at is not None for p in self._places):
                    self._turn()
            finally:
                self._kill()  # nobody is left, unless something went wrong here
        return exit_code(place.code for place in self._places)

    def _pass_on(self, stop: threading.Event) -> None:
        stop.wait()
        self._events.put(self._stop)

    def _turn(self) -> None:
        now = self._clock.monotonic()
        for place in self._places:
            if place.starts_at is not None and place.starts_at <= now:
                self._start(place)
        if self._kill_at <= now:
            _LOGGER.error("a worker process did not end in time: it is killed")
            self._kill()
        alarms = [p.starts_at for p in self._places if p.starts_at is not None]
        rest = min([*alarms, self._kill_at]) - self._clock.monotonic()
        with suppress(Empty):
            self._events.get(timeout=None if rest == float("inf") else max(rest, 0.0))()

    # Processes come and go.

    def _start(self, place: Place) -> None:
        place.starts_at = None
        try:
            process = Process(self._command, since=self._clock.monotonic())
        except OSError as error:  # too many processes, or no memory: for now
            _LOGGER.error("worker process %d cannot be started: %s", place.number, error)
            place.deaths += 1
            place.starts_at = self._clock.monotonic() + delay(place.deaths, spread=0.5)
            return
        place.process = process
        _LOGGER.info("worker process %d started (pid %d)", place.number, process.popen.pid)
        process.watch(
            lambda line: self._events.put(partial(self._heard, process, line)),
            lambda code: self._events.put(partial(self._ended, place, process, code)),
        )

    def _ended(self, place: Place, process: Process, code: int) -> None:
        place.process, place.code = None, code
        if process.worker:
            self._bequeath(process)
        if self._stopping:
            return
        life = Life(
            code=code,
            lived=self._clock.monotonic() - process.since,
            served=bool(process.worker),
        )
        next_one = after(
            life,
            deaths=place.deaths,
            spread=jitter("supervisor", os.getpid(), place.number, place.deaths),
            burst=self._burst,
            has_anybody_served=self._has_anybody_served,
        )
        self._tell_of(place, process, next_one)
        if next_one is not None:
            place.code = ExitCode.OK  # it has been dealt with
            place.deaths = next_one.deaths
            place.starts_at = self._clock.monotonic() + next_one.delay

    def _tell_of(self, place: Place, process: Process, next_one: Restart | None) -> None:
        level = logging.INFO if place.code == ExitCode.OK and self._burst else logging.ERROR
        _LOGGER.log(
            level,
            "worker process %d (pid %d%s) %s%s",
            place.number,
            process.popen.pid,
            f", worker {process.worker}" if process.worker else "",
            said(place.code),
            "" if next_one is None else f"; another one starts in {next_one.delay:.1f} s",
        )

    # What dead ones held.

    def _bequeath(self, process: Process) -> None:
        """Let somebody take over what this one held, and what it was to take over itself."""
        self._dead = {name: None if told is process else told for name, told in self._dead.items()}
        self._dead[process.worker] = None
        self._tell_of_the_dead()

    def _tell_of_the_dead(self) -> None:
        living = [p.process for p in self._places if p.process is not None and p.process.worker]
        if not living or self._stopping:
            return  # the next one that serves is told
        for name, told in self._dead.items():
            if told is None:
                living[0].say(f"dead {name}")
                self._dead[name] = living[0]

    def _heard(self, process: Process, line: str) -> None:
        word, _, name = line.partition(" ")
        if word == "taken":
            self._dead.pop(name, None)
        elif word == "worker":
            process.worker = name
            self._has_anybody_served = True
            self._tell_of_the_dead()
            process.say("go")
            self._try_again()

    def _try_again(self) -> None:
        """Start those that were given up while nobody had served: it can be done after all."""
        for place in self._places:
            failed = place.process is None and place.starts_at is None and place.code
            if failed and not self._stopping:
                place.starts_at = self._clock.monotonic()

    # The end.

    def _stop(self) -> None:
        _LOGGER.info("told to stop: so are all worker processes")
        self._stopping = True
        self._kill_at = self._clock.monotonic() + self._patience
        for place in self._places:
            place.starts_at = None
        self._signal(signal.SIGTERM)

    def _hurry(self) -> None:
        self._kill_at = min(self._kill_at, self._clock.monotonic() + GRACE)
        self._signal(signal.SIGINT)

    def _kill(self) -> None:
        self._kill_at = float("inf")
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        for place in self._places:
            if place.process is not None:
                place.process.signal(number)


def same_command(argv: Sequence[str] | None) -> list[str]:
    """Return what starts this command once more; `argv` None: as this process was started."""
    if argv is None:
        return [sys.executable, *sys.orig_argv[1:]]
    return [sys.executable, "-m", "jobkit.cli", *argv]
