"""The worker's end of a template: starts it, asks it for children, hears how they ended."""

from __future__ import annotations

import itertools
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any

from jobkit.worker.exits import said
from jobkit.worker.isolation.groups import kill_group
from jobkit.worker.isolation.wire import (
    FORK,
    KILL,
    REQUEST,
    Broken,
    Exited,
    Ready,
    Setup,
    Started,
    receive,
    send,
)

PATIENCE = 5.0  # seconds that a template, or a child that was killed, has to be gone
_PROGRAM = (
    "import sys; sys.path[:] = {path!r}; "
    "from jobkit.worker.isolation.template import main; main({descriptor})"
)
_LOGGER = logging.getLogger("jobkit.worker")


class Child:
    """A process that was asked for. `link` leads to it.

    `pid`: 0 until the template has told it. `status`: as `os.waitpid` gives it, None while it
    lives or if nobody knows; `why`: what else went wrong. `gone` is set when one of them is known.
    """

    def __init__(self, number: int, link: socket.socket) -> None:
        self.number = number
        self.link = link
        self.pid = 0
        self.status: int | None = None
        self.why = ""
        self.gone = threading.Event()

    def end(self, *, status: int | None = None, why: str = "") -> None:
        """Note that it is gone; whoever reads from its link gets to the end."""
        self.status, self.why = status, why
        self.gone.set()
        with suppress(OSError):  # closed already
            self.link.shutdown(socket.SHUT_RD)


class Spawner:
    """One template, from its start to its end."""

    def __init__(self, setup: Setup) -> None:
        self.ready = threading.Event()
        self.is_gone = False
        self.why = ""
        self._numbers = itertools.count(1)
        self._children: dict[int, Child] = {}
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        with theirs, ExitStack() as unless_started:
            unless_started.enter_context(self._control)
            self._process = _start(theirs.fileno())
            unless_started.pop_all()
        with suppress(OSError):  # it has died: the reader hears of it
            send(self._control, setup)
        self._reader = threading.Thread(target=self._read, name="jobkit-template", daemon=True)
        self._reader.start()

    def fork(self) -> Child:
        """Ask for a child."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            child = Child(next(self._numbers), ours)
            if self.is_gone:
                child.end(why=self.why)
                return child
            self._children[child.number] = child
            with suppress(OSError):  # the reader ends the child
                request = REQUEST.pack(FORK, child.number)
                socket.send_fds(self._control, [request], [theirs.fileno()])
        return child

    def kill(self, child: Child) -> None:
        """Kill a child and what it has started; nothing, if it is gone."""
        with self._lock, suppress(OSError):
            self._control.sendall(REQUEST.pack(KILL, child.number))

    def close(self) -> None:
        """End the template, and with it all children."""
        if not self.ready.is_set():
            self._process.kill()  # it hears of nothing while it imports, and has no child yet
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._reader.join()

    def _read(self) -> None:
        while (message := receive(self._control)) is not None:
            match message:
                case Ready(threads=threads):
                    _warn_of(threads)
                    self.ready.set()
                case Broken(number=None):
                    self.why = message.why
                    _LOGGER.error("isolated jobs cannot run: %s", message.why)
                case Broken():
                    self._end(message.number, why=message.why)
                case Started(number=number, pid=pid):
                    self._children[number].pid = pid
                case Exited():
                    self._end(message.number, status=message.status)
                case _:
                    _LOGGER.error("an unknown message of a template: %r", message)
        self._bury()

    def _end(self, number: int | None, *, status: int | None = None, why: str = "") -> None:
        with self._lock:
            child = self._children.pop(number or 0, None)
        if child is not None:
            child.end(status=status, why=why)

    def _bury(self) -> None:
        with self._lock:
            self.is_gone = True
            children = list(self._children.values())
            self._children.clear()
        try:
            status = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self.why = self.why or f"the process that isolated ones are forked from {said(status)}"
        self._control.close()
        for child in children:
            if child.pid:
                kill_group(child.pid)  # at its own end the template has done so
            child.end(why=self.why)
        self.ready.set()  # nobody must wait for it


def _start(descriptor: int) -> subprocess.Popen[bytes]:
    path = [entry or os.getcwd() for entry in sys.path]
    return subprocess.Popen(
        [
            sys.executable,
            *interpreter_flags(),
            "-c",
            _PROGRAM.format(path=path, descriptor=descriptor),
        ],
        stdin=subprocess.DEVNULL,
        pass_fds=[descriptor],
        process_group=0,  # Ctrl-C is for the worker, which tells its children
    )


def interpreter_flags() -> list[str]:
    """Return the options that this interpreter was started with: -O, -W, -X and the like."""
    read: Any = vars(subprocess)["_args_from_interpreter_flags"]  # there is no public way
    flags: list[str] = read()
    return flags


def _warn_of(threads: Sequence[str]) -> None:
    if threads:
        _LOGGER.warning(
            "importing the handlers of isolated jobs starts threads (%s): processes forked beside "
            "them may hang; start threads in functions, not in modules",
            ", ".join(threads),
        )
