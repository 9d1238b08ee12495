"""Which step comes next: drawn from choices, with an eye on what there is to act on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any, Final

from jobkit.errors import InvalidOption
from jobkit.options import Unique
from jobkit_testing.side_by_side.dice import Choices, Chooser
from jobkit_testing.side_by_side.drawing_work import WorkDrawer
from jobkit_testing.side_by_side.jobtypes import (
    QUEUES,
    TYPES,
    Export,
    Mail,
    Note,
    Once,
    Sole,
)
from jobkit_testing.side_by_side.scenes import Scenes
from jobkit_testing.side_by_side.ticking import (
    DeclareAll,
    Fire,
    Schedule,
    SendAgain,
    Unschedule,
    Wait,
)
from jobkit_testing.side_by_side.users import (
    Act,
    Action,
    Bulk,
    Enqueue,
    EnqueueMany,
    ForgetCounts,
    Listing,
    Overview,
    Pause,
    Prune,
    PushRaw,
    SetOrder,
    Transaction,
)
from jobkit_testing.side_by_side.world import Step, World

CROWD: Final = 40  # waiting jobs beyond which few more are enqueued
HARD_PAYLOADS: Final = (
    Note(),
    Note("é ☃ 𝄞\n\0\x7f", 2**70, [], 0.1 + 0.2, b"\xff\0\n"),
    Note('"\\', -(2**53) - 1, {"a": [{}, [], None, 1.5]}, 1e300, b"'"),
    Note("x" * 300, 10**40, [[[]]], -0.0, b""),
)
RAW: Final = (
    (b"{}", b"", b""),
    (b"[]", b'{"max_retries":0}', b'{"k":"v"}'),
    (b"\xff\n 1 %s", b"x\ny z", b"m m\n"),
    (b"", b"{", b"=\0"),
)
PRIORITIES: Final = (0, 0, 0, 1, -1, 5, -32768, 32767)
MOMENTS: Final = (0, 1, -1, 500, 1_000, 3_000, 20_000, 60_000, -5_000, 3_600_000, 10**12, -(10**12))
# An hour before clocks change: in New York, Berlin, on Lord Howe in spring, in Berlin in autumn.
BEGINNINGS: Final = (1, 972_000_000, 2_764_800_000, 3_333_600_000, 20_908_800_000)
JUMPS: Final = (1, 10, 500, 1_000, 1_000, 5_000, 5_000, 14_000, 16_000, 31_000, 31_000, 61_000)
FAR: Final = (700_000, 3_600_000, 4 * 3_600_000, 26 * 3_600_000)
BACK: Final = (-1, -1_000, -4_999, -5_000, -5_001, -40_000, -3_600_000)
ZONES: Final = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
SPECS: Final[tuple[str | timedelta, ...]] = (
    "* * * * *",
    "*/5 * * * *",
    "30 2 * * *",
    "0 * * * *",
    "15,45 1-3 * * SUN",
    "@daily",
    "@every 90s",
    timedelta(seconds=20),
    timedelta(minutes=10),
    "side.ninety",
)
SCHEDULES: Final = ("one", "two", "three")
ACTIONS: Final[tuple[Action, ...]] = (
    *("cancel", "reschedule", "run_now", "retry", "set_priority", "delete"),
    *("look", "cancel", "reschedule", "retry"),
)

Drawn = Callable[[], Step | None]


class Drawer:
    """Draws steps for a world; `without`: kinds of step (names of classes) to leave out."""

    def __init__(self, world: World, choices: Choices, *, without: Collection[str] = ()) -> None:
        self._world = world
        self._dice = Chooser(choices)
        self._labels = 0
        self._without = frozenset(without)
        self._scenes = Scenes(self._dice, self)
        self._ahead: deque[Step] = deque()
        self._work = work = WorkDrawer(world, self._dice, self.child)
        weighted: list[tuple[str, int, Drawn]] = [
            ("Enqueue", 16, self.enqueue),
            ("EnqueueMany", 3, self.enqueue_many),
            ("Transaction", 3, self.transaction),
            ("PushRaw", 1, self.push_raw),
            ("Take", 18, work.take),
            ("Finish", 16, work.finish),
            ("FinishAll", 2, work.finish_all),
            ("Beat", 9, work.beat),
            ("Wait", 11, self.wait),
            ("Act", 15, self.act),
            ("Fire", 6, self.fire),
            ("Schedule", 3, self.schedule),
            ("Unschedule", 1, self.unschedule),
            ("DeclareAll", 1, self.declare),
            ("SendAgain", 2, self.send_again),
            ("Again", 4, work.again),
            ("Pause", 4, self.pause),
            ("Bulk", 1, self.bulk),
            ("Prune", 1, self.prune),
            ("Listing", 2, self.listing),
            ("Overview", 1, self.overview),
            ("Mark", 1, work.mark),
            ("Tell", 2, work.tell),
            ("Quit", 2, work.quit),
            ("Enter", 1, work.enter),
            ("SetOrder", 1, self.order),
            ("ForgetCounts", 1, self.forget),
            ("Scene", 5, self.scene),
        ]
        if unknown := set(without) - {name for name, _, _ in weighted}:
            known = ", ".join(name for name, _, _ in weighted)
            raise InvalidOption(
                f"without={sorted(unknown)}: no such kind of step; give of: {known}"
            )
        kept = [(weight, draw) for name, weight, draw in weighted if name not in without]
        self._draws = [draw for weight, draw in kept for _ in range(weight)]
        self._fewer = [
            draw for draw in self._draws if draw not in (self.enqueue, self.enqueue_many)
        ]

    def next(self) -> Step:
        """Return the next step."""
        if not self._world.steps and not self._ahead:
            return Wait(self._dice.pick(BEGINNINGS))
        while self._ahead and not self._dice.one_in(8):
            step = self._ahead.popleft()
            if type(step).__name__ not in self._without:
                return step
        draws = self._draws if self._world.waiting <= CROWD else self._fewer
        return self._dice.pick(draws)() or self._work.take()

    # Users.

    def label(self) -> str:
        """Return a name for a new job."""
        self._labels += 1
        return f"j{self._labels}"

    def job(self) -> Any:
        """Return a payload."""
        dice = self._dice
        kind = dice.pick((Note, Note, Mail, Export, Once, Sole, *TYPES))
        if kind is Note:
            return dice.pick(HARD_PAYLOADS) if dice.one_in(3) else Note(number=dice.below(4))
        if kind is Mail:
            return Mail(dice.pick(("ann", "bob")))
        numbered: Any = kind
        return numbered(dice.below(3))

    def options(self) -> dict[str, Any]:
        """Return what a call of enqueue may say."""
        dice = self._dice
        chosen: dict[str, Any] = {}
        if dice.one_in(3):
            chosen["priority"] = dice.pick(PRIORITIES)
        if dice.one_in(4):
            chosen["delay"] = timedelta(milliseconds=dice.pick((0, 1, 500, 3_000, 60_000)))
        if dice.one_in(4):
            chosen["queue"] = dice.pick(QUEUES)
        if dice.one_in(5):
            chosen["max_retries"] = dice.pick((0, 1, None))
        if dice.one_in(6):
            chosen["retention"] = timedelta(seconds=dice.pick((0, 5, 100)))
        if dice.one_in(8):
            chosen["timeout"] = dice.pick((None, timedelta(seconds=1)))
        if dice.one_in(8):
            chosen["metadata"] = {"by": "ann", "ß": "\n"}
        if dice.one_in(4):
            chosen["unique"] = self.unique()
        return chosen

    def unique(self, *, on_conflict: tuple[Any, ...] = ("return", "replace", "raise")) -> Any:
        """Return what makes a job unique."""
        dice = self._dice
        return Unique(
            key=dice.pick((None, "k", "schlüssel \n")),
            until=dice.pick(("started", "done")),
            ttl=dice.pick((None, timedelta(seconds=2), timedelta(minutes=1))),
            on_conflict=dice.pick(on_conflict),
        )

    def enqueue(self) -> Enqueue:
        dice = self._dice
        run_in = dice.pick(MOMENTS) if dice.one_in(5) else None
        return Enqueue(self.label(), self.job(), self.options(), run_in, int(dice.one_in(5)))

    def enqueue_many(self) -> EnqueueMany:
        dice = self._dice
        jobs = tuple(self.job() for _ in range(dice.pick((1, 2, 3, 5, 12))))
        run_in = dice.pick(MOMENTS) if dice.one_in(6) else None
        chunk = dice.pick((None, None, 1, 2))
        return EnqueueMany(self.label(), jobs, self.options(), run_in, chunk, int(dice.one_in(5)))

    def transaction(self) -> Transaction:
        return self._block(depth=2)

    def _block(self, depth: int) -> Transaction:
        dice = self._dice
        inside: list[Enqueue | EnqueueMany | Transaction] = []
        for _ in range(1 + dice.below(3)):
            inner = depth > 0 and dice.one_in(5)
            inside.append(self._block(depth - 1) if inner else self.enqueue())
        return Transaction(tuple(inside), raises=dice.one_in(4), client=int(dice.one_in(5)))

    def child(self) -> Enqueue | EnqueueMany | Transaction:
        """Draw what a handler enqueues."""
        dice = self._dice
        if dice.one_in(6):
            return self._block(depth=1)
        return self.enqueue_many() if dice.one_in(6) else self.enqueue()

    def push_raw(self) -> PushRaw:
        dice = self._dice
        payload, options, metadata = dice.pick(RAW)
        return PushRaw(
            self.label(),
            dice.pick(("side.Note", "side.Export", "side.Stray")),
            dice.pick(QUEUES),
            payload,
            options,
            metadata,
            run_at=dice.pick((None, 0, -5, 10**13)),
        )

    def act(self) -> Step | None:
        dice = self._dice
        labels = self._subjects()
        if not labels:
            return None
        action = dice.pick(ACTIONS)
        number = dice.pick(PRIORITIES) if action == "set_priority" else 0
        number = dice.pick(MOMENTS) if action == "reschedule" else number
        return Act(action, dice.recent(labels), number, dice.one_in(8))

    def _subjects(self) -> list[str]:
        """Return jobs to act on: of all, of those that run, or of those that have ended."""
        world = self._world
        match self._dice.below(4):
            case 0:
                return list(world.handles)
            case 1:
                return [label for member in world.crew.values() for label in member.held]
            case _:
                return world.ended or list(world.handles)

    def pause(self) -> Pause:
        dice = self._dice
        queue, kind = dice.pick(
            (
                (QUEUES[0], None),
                (None, "side.Note"),
                (QUEUES[1], "side.Mail"),
                (None, "side.Export"),
            )
        )
        if dice.one_in(4):
            queue, kind = dice.pick(QUEUES), dice.pick((None, "side.OldExport", "side.Once"))
        return Pause(queue, kind, resume=not dice.one_in(3))

    def bulk(self) -> Bulk:
        dice = self._dice
        action: Any = dice.pick(("retry_all_dead", "delete_all_dead"))
        return Bulk(action, dice.pick((None, *QUEUES)), dice.pick((None, None, "side.Note")))

    def prune(self) -> Prune:
        dice = self._dice
        state: Any = dice.pick(("succeeded", "dead", "cancelled"))
        older, keep = dice.pick(((None, 2), (0, None), (1_000, 1), (60_000, None), (None, 0)))
        return Prune(state, older, keep, payload_only=dice.one_in(3))

    def listing(self) -> Listing:
        dice = self._dice
        state = dice.pick((None, "scheduled", "queued", "running", "retrying", "succeeded", "dead"))
        queue, kind = dice.pick((None, *QUEUES)), dice.pick((None, None, "side.Note", "side.Mail"))
        lists = list(self._world.cursors)
        if lists and dice.one_in(2):
            state, queue, kind = dice.pick(lists)
        return Listing(state, queue, kind, 1 + dice.below(4), further=True)

    def overview(self) -> Overview:
        of: Any = self._dice.pick(("queues", "workers", "schedules", "stats"))
        return Overview(of)

    def order(self) -> SetOrder:
        order: Any = self._dice.pick(("priority", "run_at"))
        return SetOrder(self._dice.pick(QUEUES), order)

    def scene(self) -> Step | None:
        """Draw a series of steps, and begin with it."""
        if not self._ahead:
            self._ahead.extend(self._scenes.draw())
        return self._ahead.popleft()

    def forget(self) -> Step | None:
        return ForgetCounts(self._dice.pick(QUEUES)) if self._dice.one_in(4) else None

    # Time.

    def wait(self) -> Wait:
        dice = self._dice
        if dice.one_in(12):
            return Wait(dice.pick(BACK))
        return Wait(dice.pick(FAR) if dice.one_in(12) else dice.pick(JUMPS))

    def schedule(self) -> Schedule:
        dice = self._dice
        options: dict[str, Any] = {}
        if dice.one_in(2):
            options["timezone"] = dice.pick(ZONES)
        if dice.one_in(3):
            options["missed"] = dice.pick(("one", "skip"))
        elif dice.one_in(3):
            options["overlap"] = "skip"
        if dice.one_in(4):
            options["limit"] = 1 + dice.below(3)
        if dice.one_in(4):
            options["queue"] = dice.pick(QUEUES)
        if dice.one_in(6):
            options["priority"] = dice.pick(PRIORITIES)
        name = dice.pick(SCHEDULES)
        spec = dice.pick(SPECS) if dice.one_in(2) else SPECS[SCHEDULES.index(name)]
        if spec in CATCH_UP and dice.one_in(3) and "overlap" not in options:
            options["missed"] = "all"
        start_in = dice.pick((0, 1_000, 90_000, -1, -3_600_000)) if dice.one_in(4) else None
        job = self.job() if dice.one_in(3) else Note()
        return Schedule(name, spec, job, options, start_in, int(dice.one_in(5)))

    def unschedule(self) -> Unschedule:
        return Unschedule(self._dice.pick((*SCHEDULES, "declared")))

    def declare(self) -> DeclareAll:
        dice = self._dice
        names = dice.some(("declared", "two", "other"), 2)
        spec = dice.pick(SPECS)
        schedules = tuple(Schedule(name, spec, Note(number=1)) for name in names)
        return DeclareAll(dice.pick(("app", "site")), dice.pick(QUEUES), schedules)

    def fire(self) -> Fire:
        return Fire(self._dice.pick(QUEUES), int(self._dice.one_in(5)))

    def send_again(self) -> SendAgain:
        return SendAgain(self._dice.pick(("push", "push", "tick")))


# Specs of which a jump of a day leaves few enough ticks to catch up with each.
CATCH_UP: Final = frozenset({"30 2 * * *", "0 * * * *", "@daily", timedelta(minutes=10)})
