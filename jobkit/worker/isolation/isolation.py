"""Runs attempts in processes of their own, for the worker."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from contextlib import suppress

from jobkit.attempt import Ended
from jobkit.cancellation import Cancellation
from jobkit.context import JobContext
from jobkit.ending import told_to_stop
from jobkit.engine import Engine
from jobkit.engine.running import Run
from jobkit.errors import WrongState
from jobkit.errortext import error_of, error_text
from jobkit.handlerset import Call
from jobkit.outcome import Error, Failed, HandedBack, Outcome
from jobkit.progress import CheckedIn
from jobkit.store import Lease
from jobkit.worker.exits import said
from jobkit.worker.isolation.context import order_of
from jobkit.worker.isolation.logs import handle, levels
from jobkit.worker.isolation.portable import code_of, enqueueing_of
from jobkit.worker.isolation.spawner import PATIENCE, Child, Spawner
from jobkit.worker.isolation.template import IS_ISOLATED
from jobkit.worker.isolation.wire import Done, Logged, Setup, Stop, receive, send

DIED = "ProcessDied"  # the error_type of an attempt whose process could not tell how it ended
KILL_GRACE = 2.0  # seconds that a handler has to stop by itself when its job is cancelled or lost
_LOGGER = logging.getLogger("jobkit.worker")
LOOK = 0.05  # seconds between looks at whether an attempt that waits for the template still should


class Isolation:
    """The template of a worker, and the attempts that run in its children."""

    def __init__(self, engine: Engine, imports: tuple[str, ...] = ()) -> None:
        """Take the modules that the processes import first: those of the application."""
        self._engine = engine
        self._imports = imports
        self._lock = threading.Lock()
        self._spawner: Spawner | None = None
        self._running: dict[Lease, Running] = {}
        self._codes: dict[str, tuple[Call, bytes]] = {}
        self._enqueueing: tuple[int, bytes] = (-1, b"")
        self._is_closed = False

    def check(self) -> None:
        """Raise `InvalidHandler` for an isolated type that no other process could run."""
        codes = [self._code(call) for call in self._calls()]
        if not codes:
            return
        if IS_ISOLATED.is_set():
            raise WrongState(
                "a worker with isolated jobs was started while a process of isolated jobs imported "
                'its module: start it under if __name__ == "__main__"'
            )
        self._how_to_enqueue()

    def prepare(self) -> None:
        """Start the template, if there is anything to isolate; does not wait for it."""
        if self._calls():
            self._template()

    def wait_until_ready(self, cancelled: Cancellation) -> None:
        """Wait until a child can be had: imports must not use up an attempt's time."""
        if cancelled.is_set():
            return
        try:
            template = self._template()
        except Exception:  # `run` meets it as well, and says so
            return
        while not template.ready.wait(LOOK) and not cancelled.is_set():
            pass

    def run(self, run: Run) -> Ended:
        """Run an attempt in a process of its own; returns when that is gone. Never raises."""
        if run.ctx.cancelled.is_set():
            return _ended(None, None, run.ctx)
        try:
            order = order_of(
                run,
                code=self._code(run.call),
                enqueueing=self._how_to_enqueue(),
                capabilities=self._engine.capabilities,
            )
            running = Running(self._template(), run.ctx)
        except Exception as error:  # no process to be had, or a handler that came after the start
            return Ended(Failed(error_of(error)))
        self._running[run.lease] = running
        try:
            with suppress(OSError):  # it is gone already
                send(running.child.link, order)
            run.ctx.cancelled.on_set(running.tell)  # then: what tells may be another thread
            done = running.follow()
        except Exception as error:  # what it sent cannot be read here, such as a class of its own
            _LOGGER.exception("what job %s (%s) sent is no use", run.ctx.id, run.ctx.type)
            done = Done(outcome=Failed(_unreadable(error)))
        finally:
            run.ctx.cancelled.forget(running.tell)
            del self._running[run.lease]
            running.close()
        if done is not None:
            run.children = done.children
        return _ended(None if done is None else done.outcome, running.child, run.ctx)

    def kill(self, lease: Lease) -> None:
        """Kill the process of an attempt, if it has one, and wait until it is gone."""
        running = self._running.get(lease)
        if running is not None:
            running.kill()
            running.child.gone.wait(PATIENCE)

    def close(self) -> None:
        """Kill what still runs, and end the template."""
        with self._lock:
            self._is_closed = True
            spawner, self._spawner = self._spawner, None
        if spawner is not None:
            spawner.close()

    def _calls(self) -> list[Call]:
        handlers = self._engine.handlers
        calls = (handlers.call(name) for name in sorted(handlers.names()))
        return [call for call in calls if call is not None and call.is_isolated]

    def _code(self, call: Call) -> bytes:
        name = call.registration.job_type.name
        known = self._codes.get(name)
        if known is None or known[0] is not call:
            known = self._codes[name] = (call, code_of(call))
        return known[1]

    def _how_to_enqueue(self) -> bytes:
        version = self._engine.handlers.version
        if self._enqueueing[0] != version:
            self._enqueueing = (version, enqueueing_of(self._engine))
        return self._enqueueing[1]

    def _template(self) -> Spawner:
        with self._lock:
            if self._is_closed:
                raise RuntimeError("the worker has stopped")
            if self._spawner is None or self._spawner.is_gone:
                self._spawner = Spawner(
                    Setup(
                        imports=self._imports,
                        codes=tuple(self._code(call) for call in self._calls()),
                        argv=tuple(sys.argv),
                        levels=levels(),
                    )
                )
            return self._spawner


class Running:
    """An attempt that runs in a child."""

    def __init__(self, template: Spawner, ctx: JobContext) -> None:
        self._template = template
        self._ctx = ctx
        self._timer: threading.Timer | None = None
        self.child = template.fork()

    def follow(self) -> Done | None:
        """Wait for the end; None: the process died before it could tell how."""
        while (message := receive(self.child.link)) is not None:
            match message:
                case Logged():
                    handle(message, self._ctx)
                case CheckedIn():
                    self._check_in(message)
                case Done():
                    if message.said is not None:
                        self._check_in(message.said)
                    return message
                case _:
                    raise TypeError(f"an unknown message of an isolated process: {message!r}")
        self._wait_until_gone()
        return None

    def _check_in(self, said: CheckedIn) -> None:
        self._ctx.checkin(said.text, done=said.done, total=said.total)

    def tell(self) -> None:
        """Pass on why the handler should stop, and kill it when it should have stopped."""
        reason = self._ctx.cancelled.reason
        if reason is None or reason == "timeout":
            self.kill()
            return
        with suppress(OSError):
            send(self.child.link, Stop(reason=reason))
        if reason != "shutdown":  # whoever shuts down says when the grace is over
            self._timer = threading.Timer(KILL_GRACE, self.kill)
            self._timer.daemon = True
            self._timer.start()

    def kill(self) -> None:
        """Kill it with everything that it has started."""
        self._template.kill(self.child)

    def close(self) -> None:
        """Let go of the link: a child that still listens to it ends by that."""
        if self._timer is not None:
            self._timer.cancel()
        with suppress(OSError):
            self.child.link.shutdown(socket.SHUT_RDWR)
        self.child.link.close()

    def _wait_until_gone(self) -> None:
        """Wait for the status of a child whose link has ended."""
        if not self.child.gone.wait(PATIENCE):
            self.kill()  # it has closed its link and lives on
            self.child.gone.wait(PATIENCE)


def _ended(outcome: Outcome | None, child: Child | None, ctx: JobContext) -> Ended:
    reason = ctx.cancelled.reason
    if told := told_to_stop(reason, ctx, None):
        return Ended(told)
    if outcome is not None:
        return Ended(outcome)
    if reason is not None or child is None:
        return Ended(HandedBack())  # by shutdown; of a job that is lost or deleted nobody asks
    return Ended(Failed(_death(child)))


def _unreadable(error: Exception) -> Error:
    return error_text(type=DIED, message=f"the isolated process sent what cannot be read: {error}")


def _death(child: Child) -> Error:
    if child.status is None:
        why = child.why or "nobody knows why"
        message = f"the isolated process is gone: {why.rpartition(chr(10))[2]}"
        return error_text(type=DIED, message=message, traceback=why if "\n" in why else "")
    code = os.waitstatus_to_exitcode(child.status)
    message = f"the isolated process {said(code)}"
    if code == -signal.SIGKILL:
        message += ": out of memory?"
    elif code >= 0:
        message += " before its handler had returned"
    return error_text(type=DIED, message=message)
