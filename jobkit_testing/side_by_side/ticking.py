"""Steps of time: let it pass, schedules, and pushes and ticks that are sent twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from jobkit.plan import plan
from jobkit.store import REPLAY_WINDOW, Declare
from jobkit_testing.side_by_side.jobtypes import RULES
from jobkit_testing.side_by_side.values import Value
from jobkit_testing.side_by_side.world import World


@dataclass(frozen=True, slots=True, repr=False)
class Wait(Value):
    """Move the clock by so many milliseconds; below zero: it is set back."""

    milliseconds: int

    def carry_out(self, world: World) -> object:
        world.now += self.milliseconds
        return None


@dataclass(frozen=True, slots=True, repr=False)
class Schedule(Value):
    """Put a schedule. `spec`: text, a duration, or the name of a rule of `jobtypes.RULES`.

    `start_in`: its `start_at`, in milliseconds from now.
    """

    name: str
    spec: str | timedelta
    job: Any
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    start_in: int | None = None
    client: int = 0

    def carry_out(self, world: World) -> object:
        return world.clients[self.client].schedule(
            rule_or_spec(self.spec), self.job, **self.all_options(world)
        )

    def all_options(self, world: World) -> dict[str, Any]:
        """Return what the call is given."""
        options = {"name": self.name, **self.options}
        if self.start_in is not None:
            options["start_at"] = world.instant(self.start_in)
        return options


def rule_or_spec(spec: str | timedelta) -> Any:
    """Return the rule of this name, else the spec itself."""
    return RULES.get(spec, spec) if isinstance(spec, str) else spec


@dataclass(frozen=True, slots=True, repr=False)
class Unschedule(Value):
    """Remove a schedule."""

    name: str

    def carry_out(self, world: World) -> object:
        return world.clients[0].unschedule(self.name)


@dataclass(frozen=True, slots=True, repr=False)
class DeclareAll(Value):
    """Declare schedules as the workers of `owner` do at their start, and that these are all."""

    owner: str
    queue: str
    schedules: tuple[Schedule, ...] = ()

    def carry_out(self, world: World) -> object:
        scheduling = world.engines[0].scheduling
        for each in self.schedules:
            options = {**each.all_options(world), "queue": self.queue}
            asked = plan(rule_or_spec(each.spec), each.job, options, of="schedule")
            world.drive(scheduling.put_declared(self.owner, asked))
        names = tuple(sorted(each.name for each in self.schedules))
        return world.run(Declare(queue=self.queue, owner=self.owner, names=names))


@dataclass(frozen=True, slots=True, repr=False)
class Fire(Value):
    """Fire the ticks of a queue that are due, as any worker of it does."""

    queue: str
    client: int = 0

    def carry_out(self, world: World) -> object:
        return world.drive(world.engines[self.client].scheduling.fire_due(self.queue))


@dataclass(frozen=True, slots=True, repr=False)
class SendAgain(Value):
    """Send the last push or sweep once more, while it is recognised, or the last tick."""

    what: Literal["push", "tick"] = "push"

    def carry_out(self, world: World) -> object:
        if self.what == "tick":
            fired = world.paired.fired
            return None if fired is None else world.run(fired)
        if world.paired.sent is None:
            return None
        sent, at = world.paired.sent
        is_late = world.highest - at > REPLAY_WINDOW  # by any queue's clock
        if is_late:
            return None
        answer = world.run(sent)
        world.paired.sent = (sent, at)  # recognised from when it came first
        return answer
