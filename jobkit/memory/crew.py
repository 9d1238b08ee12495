"""The workers of a queue: which lanes they serve, who is idle, what they were last given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from jobkit.store import REPLAY_WINDOW, WORKER_FORGOTTEN, LaneSet


@dataclass(slots=True)
class Crew:
    """What a queue knows of its workers and of the channels that push to it."""

    lanes: dict[str, LaneSet] = field(default_factory=dict[str, LaneSet])
    workers: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    idle: dict[str, str] = field(default_factory=dict[str, str])  # worker -> its lane set
    claims: dict[str, tuple[int, tuple[str, ...]]] = field(
        default_factory=dict[str, tuple[int, tuple[str, ...]]]
    )
    pushes: dict[str, tuple[int, int, tuple[str, ...]]] = field(
        default_factory=dict[str, tuple[int, int, tuple[str, ...]]]
    )
    on_hint: Callable[[str], None] = lambda worker: None

    def beat(self, worker: str, lanes: LaneSet, now: int) -> None:
        """Note that a worker is alive and what it serves; forget those that are long silent."""
        self.workers[worker] = (now, lanes.key)
        self.lanes[lanes.key] = lanes
        for name, (at, _) in list(self.workers.items()):
            if at <= now - WORKER_FORGOTTEN:
                self.forget(name)
        self._drop_unused_lanes()

    def forget(self, worker: str) -> None:
        """Remove every trace of a worker."""
        self.workers.pop(worker, None)
        self.idle.pop(worker, None)
        self.claims.pop(worker, None)
        self._drop_unused_lanes()

    def _drop_unused_lanes(self) -> None:
        used = {key for _, key in self.workers.values()}
        for key in self.lanes.keys() - used:
            del self.lanes[key]

    def serves(self, worker: str, lanes: LaneSet) -> bool:
        """Tell whether this worker has announced this lane set."""
        known = self.workers.get(worker)
        return known is not None and known[1] == lanes.key

    def hint(self, type_name: str, now: int) -> None:
        """Wake one idle worker that serves this type."""
        for worker, key in self.idle.items():
            lanes = self.lanes.get(key)
            if lanes is not None and type_name in lanes.lanes:
                del self.idle[worker]
                self.on_hint(worker)
                return

    def replayed_push(self, channel: str, request: int, now: int) -> tuple[str, ...] | None:
        """Return what an earlier push with this identity returned, or None."""
        earlier = self.pushes.get(channel)
        if earlier is None or request > earlier[0] or now - earlier[1] > REPLAY_WINDOW:
            return None
        return earlier[2]

    def note_push(self, channel: str, request: int, now: int, ids: tuple[str, ...]) -> None:
        """Keep what a push returned; forget what is too old to be asked for."""
        self.pushes.pop(channel, None)
        self.pushes[channel] = (request, now, ids)
        while self.pushes:
            oldest = next(iter(self.pushes))
            if now - self.pushes[oldest][1] <= REPLAY_WINDOW:
                return
            del self.pushes[oldest]
