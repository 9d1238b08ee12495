"""The queues that a worker serves: which to ask next, and for how much."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from msgspec.structs import replace

from jobkit.clock import duration_milliseconds
from jobkit.engine import Engine
from jobkit.engine.running import Runner
from jobkit.options import DEFAULT_QUEUE, WorkerSettings
from jobkit.store import (
    Beat,
    Capability,
    Claim,
    Heartbeat,
    Lane,
    LaneSet,
    PausedTypes,
    SpreadPauses,
    UseOrder,
)
from jobkit.worker.turns import Turns

BUNCH = 16  # jobs: a claim for fewer costs almost as much
FEW = 8  # queues, which are all asked each time
_LOGGER = logging.getLogger("jobkit.worker")


@dataclass(slots=True)
class QueueLine:
    """One queue as the worker sees it.

    `entered`: the store knows that it is used. `untold`: what is paused over all queues, as long
    as the queue was not told. `worth_asking`: something may be there. `has_more`: the last answer
    said that something is left. `next_due`: when
    (monotonic) a job gets due. `pending`: a claim whose reply has not come; it is sent again as
    it is. `asked_at`: when (monotonic) it was sent first. `is_idle`: the store knows that we wait
    for hints. `is_away`: it was refused, and others may have its slots meanwhile.
    """

    name: str
    entered: bool = False
    untold: PausedTypes | None = None
    worth_asking: bool = True
    has_more: bool = False
    announced: str | None = None
    next_due: float | None = None
    request: int = 0
    pending: Claim | None = None
    asked_at: float = 0.0
    is_idle: bool = False
    is_away: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """What one queue is asked for."""

    line: QueueLine
    slots: int
    prefetch: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What is sent to one queue: what it does not know yet, then the claim."""

    line: QueueLine
    spread: SpreadPauses | None
    beat: Heartbeat | None
    claim: Claim


def lane_set(engine: Engine, runner: Runner) -> LaneSet:
    """Return the lanes of all types that have handlers."""
    lanes: dict[str, Lane] = {name: runner.lane(name) for name in sorted(engine.handlers.names())}
    content = "\n".join(f"{name} {lane}" for name, lane in lanes.items())
    return LaneSet(key=blake2b(content.encode(), digest_size=8).hexdigest(), lanes=lanes)


def served_queues(engine: Engine, settings: WorkerSettings) -> list[str]:
    """Return the queues to serve: those given, else "default" and those of the handled types."""
    if settings.queues is not None:
        return list(settings.queues)
    names = {DEFAULT_QUEUE, engine.defaults.get("queue", DEFAULT_QUEUE)}
    for type_name in engine.handlers.names():
        registration = engine.handlers.find(type_name)
        if registration is not None:
            names.add(registration.job_type.options.get("queue", DEFAULT_QUEUE))
    return sorted(names)


def tell_of_order(asked: UseOrder, holds: bool) -> None:
    """Warn if a queue keeps another order than it was to have."""
    if not holds:
        _LOGGER.warning(
            "queue %r is to have order=%r; it keeps its other one until none of its jobs waits or "
            "runs",
            asked.queue,
            asked.order,
        )


class Lines:
    """All queues of one worker, and the lanes that it serves in each."""

    def __init__(
        self,
        engine: Engine,
        runner: Runner,
        settings: WorkerSettings,
        *,
        worker: str,
        about: bytes,
    ) -> None:
        self._engine = engine
        self._runner = runner
        self._settings = settings
        self._worker = worker
        self._about = about
        self._lease = duration_milliseconds(settings.lease)
        self._version = -1
        self._turn = 0
        self._turns = Turns()
        self._lines: dict[str, QueueLine] = {}
        self.lanes = LaneSet(key="", lanes={})
        self.has_limits = False
        self.look_at_handlers()

    @property
    def names(self) -> list[str]:
        """The served queues."""
        return list(self._lines)

    @property
    def has_pending(self) -> bool:
        """Whether a claim is not answered."""
        return any(line.pending for line in self._lines.values())

    @property
    def is_worth_asking(self) -> bool:
        """Whether something may be there for the taking."""
        return any(line.worth_asking for line in self._lines.values())

    def look_at_handlers(self) -> None:
        """Take in what was registered since the last look."""
        if self._version == self._engine.handlers.version:
            return
        self._version = self._engine.handlers.version
        self.lanes = lane_set(self._engine, self._runner)
        self.has_limits = self.lanes.has_limits
        names = served_queues(self._engine, self._settings)
        self._lines = {name: self._lines.get(name) or QueueLine(name) for name in names}
        self.ask_everywhere()

    def ask(self, queue: str) -> None:
        """Ask this queue in the next round trip."""
        if queue in self._lines:
            self._lines[queue].worth_asking = True

    def hears_of(self, queue: str) -> bool:
        """Tell whether this queue had nothing left, and sends a hint when something comes."""
        line = self._lines.get(queue)
        return line is not None and line.is_idle and not line.worth_asking

    def ask_everywhere(self) -> None:
        """Ask every queue in the next round trip."""
        for line in self._lines.values():
            line.worth_asking = True

    def look_out(self, now: float) -> None:
        """Ask those queues where a job got due."""
        for line in self._lines.values():
            if line.next_due is not None and line.next_due <= now:
                line.worth_asking = True

    def next_look(self, now: float) -> float:
        """Return in how many seconds some queue is worth asking."""
        if self.is_worth_asking:
            return 0.0
        dues = [line.next_due - now for line in self._lines.values() if line.next_due is not None]
        return min(dues, default=float("inf"))

    def to_enter(self) -> tuple[str, ...]:
        """Return the queues that must be announced before they are asked."""
        return tuple(line.name for line in self._lines.values() if not line.entered)

    def told(self, line: QueueLine, _: None) -> None:
        """Note that a queue knows what is paused over all queues."""
        line.untold = None

    def announced(self, line: QueueLine, _: Beat) -> None:
        """Note that a queue knows which lanes we serve."""
        line.announced = self.lanes.key

    def entered(self, names: tuple[str, ...], paused: PausedTypes) -> None:
        """Note that queues were announced, and what is paused over all queues."""
        for line in [self._lines[name] for name in names if name in self._lines]:
            line.entered = True
            line.untold = paused if paused.version else None

    def stand_by(self, *, slots: int, prefetch: int, now: float) -> list[Asked]:
        """Return claims that may wait in the store: one for each queue, or none at all."""
        lines = list(self._lines.values())
        if len(lines) > FEW or (self._settings.strict and len(lines) > 1):
            return []
        if slots + prefetch < len(lines) or not all(map(self._may_stand_by, lines)):
            return []
        self.ask_everywhere()
        asked = self.ask_for(slots=slots, prefetch=prefetch, suspects=1, now=now)
        for line in lines:
            line.worth_asking = False
            if len(asked) < len(lines):  # a hint for one without a share would come to nothing
                line.pending = None
        return asked if len(asked) == len(lines) else []

    def _may_stand_by(self, line: QueueLine) -> bool:
        if line.pending or line.worth_asking or not line.entered or line.untold is not None:
            return False
        return line.is_idle and line.announced == self.lanes.key

    def void(self, line: QueueLine) -> Claim | None:
        """Return what is sent in place of a pending claim when nothing more is wanted.

        It has the number of that claim. So the store tells what that took, or never carries it out.
        """
        if line.pending is not None:
            line.pending = replace(line.pending, slots=0, prefetch=0, suspects=0, idle=False)
        return line.pending

    def __iter__(self) -> Iterator[QueueLine]:
        return iter(self._lines.values())

    def ask_for(self, *, slots: int, prefetch: int, suspects: int, now: float) -> list[Asked]:
        """Return what to send to the queues."""
        # One node of several may be away for long: its queues must not hold slots all that time.
        waiting = [each for each in self._lines.values() if each.pending and not each.is_away]
        pending = [line.pending for line in waiting if line.pending]
        slots -= sum(claim.slots for claim in pending)
        prefetch -= sum(claim.prefetch for claim in pending)
        suspects -= sum(claim.suspects for claim in pending)
        asked: list[Asked] = []
        for share in self._shares(max(0, slots), max(0, prefetch)):
            line = share.line
            beat = self._heartbeat(line) if line.announced != self.lanes.key else None
            if line.pending is None:
                line.request += 1
                line.pending, line.asked_at = self._claim(share, max(0, suspects)), now
                suspects = 0  # of all queues together, one at a time
            untold = line.untold
            spread = None if untold is None else SpreadPauses(queue=line.name, paused=untold)
            asked.append(Asked(line, spread, beat, line.pending))
        return asked

    def _shares(self, slots: int, prefetch: int) -> list[Share]:
        """Divide free slots over the queues worth asking; send again what got no reply."""
        entered = [line for line in self._lines.values() if line.entered]
        shares = [Share(line, 0, 0) for line in entered if line.pending]
        fresh = [line for line in entered if line.worth_asking and not line.pending]
        if not fresh or not (slots or prefetch):
            return shares
        if not self._settings.strict:
            return shares + self._in_proportion(fresh, slots, prefetch)
        if any(not share.line.is_away for share in shares):
            return shares  # what comes before is not known to be empty
        # The first in line is asked for all; the next one, at once, for what that left free.
        return [*shares, Share(fresh[0], slots, prefetch)]

    def _in_proportion(self, lines: list[QueueLine], slots: int, prefetch: int) -> list[Share]:
        """Divide free slots by the weights of these queues."""
        if len(lines) == 1:
            return [Share(lines[0], slots, prefetch)]
        # Whoever is first may be given a suspect: that goes by turns of its own.
        self._turn += 1
        first = self._turn % len(lines)
        lines = lines[first:] + lines[:first]
        given = self._settings.queues or {}
        weights = {line.name: given.get(line.name, 1) for line in lines}
        if len(lines) > FEW and all(line.has_more for line in lines):
            return self._in_bunches(lines, weights, slots, prefetch)
        own, ahead = self._turns.give(slots, weights), self._turns.give(prefetch, weights)
        shares = [Share(line, own[line.name], ahead[line.name]) for line in lines]
        return [share for share in shares if share.slots or share.prefetch]

    def _in_bunches(
        self, lines: list[QueueLine], weights: Mapping[str, int], slots: int, prefetch: int
    ) -> list[Share]:
        """Ask those whose turn it is for many jobs each, and the others another time."""
        number = max(1, (slots + prefetch) // BUNCH)
        turns = self._turns.give(number, weights)
        of_a_turn = -(-(slots + prefetch) // number)
        shares: list[Share] = []
        for line in lines:
            places = min(turns[line.name] * of_a_turn, slots + prefetch)
            own = min(places, slots)
            slots, prefetch = slots - own, prefetch - (places - own)
            if places:
                shares.append(Share(line, own, places - own))
        return shares

    def _heartbeat(self, line: QueueLine) -> Heartbeat:
        return Heartbeat(
            queue=line.name,
            worker=self._worker,
            lanes=self.lanes,
            lease=self._lease,
            about=self._about,
        )

    def _claim(self, share: Share, suspects: int) -> Claim:
        return Claim(
            queue=share.line.name,
            worker=self._worker,
            version=self._engine.version,
            request=share.line.request,
            lanes=self.lanes,
            slots=share.slots,
            prefetch=share.prefetch,
            suspects=suspects,
            lease=self._lease,
            idle=Capability.WAKING in self._engine.capabilities,
            bounds=self._engine.bounds(share.line.name),
        )
