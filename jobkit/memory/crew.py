"""The workers of a queue: which lanes they serve, who is idle, what they were last given."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeAlias

from jobkit.memory.pauses import QueuePauses
from jobkit.store import REPLAY_WINDOW, WORKER_FORGOTTEN, KeyTaken, LaneSet, Push

Answer: TypeAlias = tuple[str, ...] | KeyTaken  # to a push


@dataclass(frozen=True, slots=True)
class Seen:
    """A worker's last heartbeat: when, its lane set, and what it tells of itself."""

    at: int
    lanes: str
    about: bytes


@dataclass(slots=True)
class Crew:
    """What a queue knows of its workers and of the channels that push to it."""

    pauses: QueuePauses = field(default_factory=QueuePauses)
    lanes: dict[str, LaneSet] = field(default_factory=dict[str, LaneSet])
    workers: dict[str, Seen] = field(default_factory=dict[str, Seen])
    idle: dict[str, str] = field(default_factory=dict[str, str])  # worker -> its lane set
    claims: dict[str, tuple[int, tuple[str, ...]]] = field(
        default_factory=dict[str, tuple[int, tuple[str, ...]]]
    )
    pushes: dict[str, tuple[int, int, Answer]] = field(
        default_factory=dict[str, tuple[int, int, Answer]]
    )
    on_hint: Callable[[str], None] = lambda _: None
    wanted: dict[str, None] = field(default_factory=dict[str, None])  # types with new work

    def beat(self, worker: str, lanes: LaneSet, about: bytes, now: int) -> None:
        """Note that a worker is alive and what it serves; forget those that are long silent."""
        if self.idle.get(worker, lanes.key) != lanes.key:
            del self.idle[worker]  # it is awake, and claims by the new set
        self.workers[worker] = Seen(now, lanes.key, about)
        self.lanes[lanes.key] = lanes
        for name, seen in list(self.workers.items()):
            if seen.at <= now - WORKER_FORGOTTEN:
                self.forget(name)
        self._drop_unused_lanes()

    def forget(self, worker: str) -> None:
        """Remove every trace of a worker."""
        self.workers.pop(worker, None)
        self.idle.pop(worker, None)
        self.claims.pop(worker, None)
        self._drop_unused_lanes()

    def _drop_unused_lanes(self) -> None:
        used = {seen.lanes for seen in self.workers.values()}
        for key in self.lanes.keys() - used:
            del self.lanes[key]

    def serves(self, worker: str, lanes: LaneSet) -> bool:
        """Tell whether this worker has announced this lane set."""
        known = self.workers.get(worker)
        return known is not None and known.lanes == lanes.key

    def hint(self, type_name: str) -> bool:
        """Wake one idle worker that serves this type; False if there is none."""
        for worker, key in self.idle.items():
            lanes = self.lanes.get(key)
            lane = None if lanes is None else lanes.lanes.get(type_name)
            if lane is not None and not self.pauses.hold(type_name, lane.group):
                del self.idle[worker]
                self.on_hint(worker)
                return True
        return False

    def hint_anybody(self) -> None:
        """Wake one idle worker, whatever it serves."""
        if self.idle:
            worker, _ = self.idle.popitem()
            self.on_hint(worker)

    def hint_group(self, group: str, ready: Collection[str], worker: str) -> None:
        """Wake somebody for a group that has room again; `worker` had the slot."""
        seen = self.workers.get(worker)
        lanes = None if seen is None else self.lanes.get(seen.lanes)
        for type_name, lane in () if lanes is None else lanes.lanes.items():
            if lane.group == group and type_name in ready and self.hint(type_name):
                return

    def hint_wanted(self) -> None:
        """Wake one worker for each type that has new work: that one wakes the next."""
        for type_name in self.wanted if self.idle else ():
            self.hint(type_name)
        self.wanted.clear()

    def replayed_push(self, push: Push, now: int) -> Answer | None:
        """Return what the original of this push returned, or None if this is no copy."""
        earlier = self.pushes.get(push.channel)
        if earlier is None or push.request > earlier[0] or now - earlier[1] > REPLAY_WINDOW:
            return None
        if push.request == earlier[0]:
            return earlier[2]
        return tuple(new.id for new in push.jobs)  # older than what is kept

    def note_push(self, channel: str, request: int, now: int, answer: Answer) -> None:
        """Keep what a push returned; forget what is too old to be asked for."""
        self.pushes.pop(channel, None)
        self.pushes[channel] = (request, now, answer)
        while len(self.pushes) > 1:  # this one is the last
            oldest = next(iter(self.pushes))
            if now - self.pushes[oldest][1] <= REPLAY_WINDOW:
                return
            del self.pushes[oldest]
