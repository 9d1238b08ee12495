"""The template: a process with one thread, that imports the application and then only forks.

To fork a worker would be unsafe: another of its threads may hold a lock (of logging, of an
import, of a library) that nobody in the child would ever release. Here there is no other thread.
"""

from __future__ import annotations

import gc
import os
import pickle
import selectors
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from importlib import import_module
from types import FrameType
from typing import NoReturn

from jobkit.worker.isolation import child
from jobkit.worker.isolation.groups import kill_group
from jobkit.worker.isolation.logs import take_levels
from jobkit.worker.isolation.wire import (
    FORK,
    REQUEST,
    Broken,
    Exited,
    Ready,
    Setup,
    Started,
    receive,
    send,
)

# Set in a template and its children: they import what may start a worker, which would isolate too.
IS_ISOLATED = threading.Event()


def main(descriptor: int) -> None:
    """Import what the worker says over this socket, then fork as it says until it is gone."""
    control = socket.socket(fileno=descriptor)
    setup = receive(control)
    if not isinstance(setup, Setup):
        return  # the worker ended as soon as it had begun
    try:
        _prepare(setup)
    except BaseException as error:  # users' modules: also a SystemExit
        why = "".join(traceback.format_exception(error, limit=-8)).rstrip()
        with suppress(OSError):
            send(control, Broken(why=why))
        return
    threads = tuple(t.name for t in threading.enumerate() if t is not threading.main_thread())
    send(control, Ready(threads=threads))
    Template(control).serve()


def _prepare(setup: Setup) -> None:
    IS_ISOLATED.set()
    sys.argv[:] = setup.argv
    for name in setup.imports:
        import_module(name)
    for code in setup.codes:
        pickle.loads(code)  # imports the modules of handlers and middleware
    take_levels(setup.levels)
    sys.stdout.flush()
    sys.stderr.flush()
    # Children share these pages as long as nobody writes to them, and a collection writes.
    gc.collect()
    gc.freeze()


class Template:
    """Forks a child for each request, and tells how it ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: dict[int, int] = {}  # process id -> number
        self._woken, self._wake = os.pipe()
        for end in (self._woken, self._wake):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, _wake_up)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)

    def serve(self) -> None:
        """Heed requests and deaths until the worker is gone; then kill what is left."""
        try:
            while self._turn():
                pass
        except OSError:
            return  # the worker is gone: it does not hear of its children any more
        finally:
            for pid in self._children:
                kill_group(pid)

    def _turn(self) -> bool:
        for key, _ in self._selector.select():
            if key.fileobj is self._control:
                if not self._heed():
                    return False
            else:
                os.read(self._woken, 4096)
        self._reap()
        return True

    def _heed(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self._control, REQUEST.size, 1)
        while 0 < len(data) < REQUEST.size:
            more = self._control.recv(REQUEST.size - len(data))
            if not more:
                return False
            data += more
        if not data:
            return False
        what, number = REQUEST.unpack(data)
        if what == FORK:
            self._fork(number, descriptors[0])
        else:
            for pid, its_number in self._children.items():
                if its_number == number:
                    kill_group(pid)
        return True

    def _fork(self, number: int, link: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            os.close(link)
            send(self._control, Broken(why=f"cannot fork: {error}", number=number))
            return
        if pid == 0:
            self._become_child(link)
        with suppress(OSError):  # it has done so itself, or is gone
            os.setpgid(pid, pid)
        os.close(link)
        self._children[pid] = number
        send(self._control, Started(number=number, pid=pid))

    def _become_child(self, link: int) -> NoReturn:
        try:
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._selector.close()
            self._control.close()
            os.close(self._woken)
            os.close(self._wake)
            child.run(socket.socket(fileno=link))
        finally:
            os._exit(child.FAILED)

    def _reap(self) -> None:
        for pid, number in list(self._children.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._children[pid]
                kill_group(pid)  # what it has started and left behind
                send(self._control, Exited(number=number, status=status))


def _wake_up(number: int, frame: FrameType | None) -> None:
    """Take a signal; the wake-up descriptor is what tells of it."""
