"""The threads in which sync handlers run, and those that call hooks."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

Task = Callable[[], None]
_LOGGER = logging.getLogger("jobkit.worker")


class ThreadPool:
    """Runs tasks in up to `size` threads, made when they are needed.

    Few wake-ups: handing in a batch wakes one thread; a thread that was woken and finds more
    work than its own wakes one more. So a batch of tiny tasks is done by one thread, and a
    batch of slow ones soon by all. A thread takes a while to start, and meanwhile others end
    their first task and take the next: `grow` lets those start threads as well. The threads are
    daemons: one that never returns does not keep the process alive.
    """

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._tasks: deque[Task] = deque()
        self._lent: deque[Task] = deque()
        self._lock = threading.Lock()
        self._idle: list[threading.Lock] = []
        self._threads = 0
        self._closed = False

    def submit(self, tasks: Iterable[Task]) -> None:
        """Hand in a batch."""
        self._tasks.extend(tasks)
        self.wake()

    def add(self, tasks: Iterable[Task]) -> None:
        """Hand in a batch and wake nobody: for whoever takes part next, or wakes one later."""
        self._tasks.extend(tasks)

    def lend(self, task: Task) -> None:
        """Hand in a task that keeps its thread waiting; those that have work to do go first."""
        self._lent.append(task)
        self.wake()

    def wake(self) -> None:
        """Wake one thread, or make one."""
        with self._lock:
            if self._idle:
                self._idle.pop().release()
                return
            if self._threads >= self._size or self._closed:
                return
            self._threads += 1
            name = f"{self._name}-{self._threads}"
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def take_part(self) -> None:
        """Run what waits, but what was lent, in this thread, which is not the pool's.

        Until nothing waits: a task whose slot the next one gets wakes nobody for that.
        """
        while True:
            try:
                task = self._tasks.popleft()
            except IndexError:
                return
            _run(task)

    def grow(self) -> None:
        """Start one thread more if a task waits for it: for a thread whose task was slow."""
        # Its own next task is one of those that wait.
        if self._threads < self._size and not self._idle and len(self._tasks) > 1:
            self.wake()

    @property
    def has_waiting(self) -> bool:
        """Whether some task waits for a thread; one that is lent a thread counts for nothing."""
        return bool(self._tasks)

    def drop(self) -> int:
        """Forget what waits for a thread; return how many tasks that were."""
        dropped = 0
        with suppress(IndexError):  # threads may take of it meanwhile
            while True:
                self._tasks.popleft()
                dropped += 1
        return dropped

    def close(self) -> None:
        """Let the threads end as they get idle."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for bed in idle:
            bed.release()

    def _work(self) -> None:
        """Take tasks until there are none, then sleep until woken. Ends when closed."""
        bed = threading.Lock()
        bed.acquire()
        just_woken = True
        while True:
            try:
                task: Task | None = self._tasks.popleft()
            except IndexError:
                task = self._take_lent()
            if task is None:
                if not self._go_to_bed(bed):
                    return
                just_woken = True
                continue
            if just_woken and (self._tasks or self._lent):
                self.wake()
            just_woken = False
            _run(task)

    def _take_lent(self) -> Task | None:
        with self._lock:
            return self._lent.popleft() if self._lent else None

    def _go_to_bed(self, bed: threading.Lock) -> bool:
        """Sleep until woken; False if the pool was closed."""
        with self._lock:
            if self._tasks or self._lent:
                return True  # handed in just now
            if self._closed:
                return False
            self._idle.append(bed)
        bed.acquire()
        return True


def _run(task: Task) -> None:
    try:
        task()
    except BaseException:  # tasks catch their own: this is an error of jobkit's
        _LOGGER.exception("a worker thread's task failed")
