"""The invariants of a queue, checked on Redis by a client; for queues at rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from jobkit.redis.keys import queue_prefix
from jobkit.store import MINUTES_KEPT, TYPES_COUNTED

Send = Callable[[list[tuple[Any, ...]]], list[Any]]
ENDED = ("succeeded", "dead", "cancelled")
TYPED = ("scheduled", "retrying", *(key for each in ENDED for key in (each, f"{each}:kept")))
ID = 26
_MINUTE = re.compile(rb"(\d+) (?:[A-Za-z]\d+ )*")
LOWEST = -32768  # priority
MEMBER = 48  # due time, arrival and id, in front of a lane's name in the index of heads


def audit(send: Send, namespace: str, queue: str) -> list[str]:
    """Return a sentence for each breach."""
    return _Auditor(send, queue_prefix(namespace, queue)).breaches()


# What is read first, and what is named by that.
_FIRST: tuple[tuple[Any, ...], ...] = (
    *(("ZRANGE", key, 0, -1, "WITHSCORES") for key in (*TYPED, "running", "heads", "ticks")),
    ("ZRANGE", "active", 0, -1, "WITHSCORES"),
    *(("SMEMBERS", f"types:{key}") for key in TYPED if key != "succeeded"),
    *(("HGETALL", key) for key in ("bodies", "states", "unique", "types:succeeded", "minutes")),
    *(("HKEYS", key) for key in ("schedules", "totals", "attempts", "results")),
    ("HGETALL", "scheduling"),
    ("ZRANGE", "schedules:ended", 0, -1, "WITHSCORES"),
    ("HGET", "control", "order"),
)


class _Auditor:
    """Compares what the keys of a queue hold, read in two round trips."""

    def __init__(self, send: Send, prefix: str) -> None:
        self._send = send
        self._prefix = prefix
        self._replies: dict[tuple[Any, ...], Any] = {}
        self._read(_FIRST)
        self._read(self._second())
        self._bodies, self._states = self._pairs("bodies"), self._pairs("states")

    def _second(self) -> list[tuple[Any, ...]]:
        heads = [head[MEMBER:] for head, _ in self._scores("heads")]
        sets = [f"lane:{name}" for name in heads]
        sets += [f"of:{key}:{name}" for key in TYPED if key != "succeeded" for name in
                 self._names(f"types:{key}")]  # fmt: skip
        unfinished = [f"unfinished:{name.decode()}" for name in self._one("HKEYS", "schedules")]
        ranges = [("ZRANGE", key, 0, -1, "WITHSCORES") for key in sets]
        return [*ranges, *(("SMEMBERS", key) for key in unfinished)]

    def _read(self, commands: Iterable[tuple[Any, ...]]) -> None:
        asked = list(dict.fromkeys(commands))
        if not asked:
            return
        replies = self._send([(word, self._prefix + key, *rest) for word, key, *rest in asked])
        for command, reply in zip(asked, replies, strict=True):
            if isinstance(reply, Exception):
                raise reply
            self._replies[command] = reply

    def _one(self, *command: Any) -> Any:
        if command not in self._replies:
            self._read([command])
        return self._replies[command]

    def _pairs(self, key: str) -> dict[str, bytes]:
        reply: list[bytes] = self._one("HGETALL", key)
        return {name.decode(): value for name, value in zip(reply[::2], reply[1::2], strict=True)}

    def breaches(self) -> list[str]:
        stands = self._standing()
        bodies = self._bodies.keys()
        return [
            *(f"{i} has a body and stands in {stands.get(i, [])}" for i in sorted(bodies)
              if len(stands.get(i, [])) != 1),
            *(f"{i} stands in {where} without a body" for i, where in sorted(stands.items())
              if i not in bodies),
            *self._left_behind(),
            *self._heads(),
            *self._places(),
            *self._leases(),
            *self._keys(stands),
            *(breach for key in TYPED for breach in self._index(key)),
            *self._schedules(),
            *self._ticks(stands),
            *self._counted(),
            *self._outboxes(),
        ]  # fmt: skip

    def _left_behind(self) -> list[str]:
        """Find what jobs that are gone have left in the other hashes."""
        ids = {key: self._one("HKEYS", key) for key in ("attempts", "results")}
        hashes = {"states": self._states, **{k: [i.decode() for i in v] for k, v in ids.items()}}
        return [
            f"{job_id} is gone, and its {key} are not"
            for key, found in hashes.items()
            for job_id in sorted(set(found) - self._bodies.keys())
        ]

    def _outboxes(self) -> list[str]:
        """Check what waits for other queues of a cluster: numbers grow, and none is from later."""
        found: list[str] = []
        given = int(self._one("HGET", "control", "out") or 0)
        for name in sorted(name.decode() for name in self._one("SMEMBERS", "outboxes")):
            entries: list[bytes] = self._one("LRANGE", f"outbox:{name}", 0, -1)
            numbers = [int(entry.split(b" ", 1)[0]) for entry in entries]
            if not numbers:
                found.append(f"the outbox for {name} is listed and empty")
            elif numbers != sorted(set(numbers)) or numbers[-1] > given:
                found.append(f"the outbox for {name} has the numbers {numbers}, of {given} given")
        return found

    def _ids(self, key: str, skip: int = 0) -> list[str]:
        return [member[skip:] for member, _ in self._scores(key)]

    def _lanes(self) -> list[str]:
        return [head[MEMBER:] for head, _ in self._scores("heads")]

    def _standing(self) -> dict[str, list[str]]:
        stands: dict[str, list[str]] = {}
        places = [(key, self._ids(key, 10)) for key in ("scheduled", "retrying")]
        places += [("running", self._ids("running"))]
        places += [
            (key, [member[:ID] for member in self._ids(key)])
            for each in ENDED
            for key in (each, f"{each}:kept")
        ]
        places += [(f"lane:{name}", self._ids(f"lane:{name}", 22)) for name in self._lanes()]
        for place, ids in places:
            for job_id in ids:
                stands.setdefault(job_id, []).append(place)
        return stands

    def _heads(self) -> list[str]:
        found: list[str] = []
        for head, score in self._scores("heads"):
            lane = head[MEMBER:]
            first = self._scores(f"lane:{lane}")[:1]
            if first != [(head[:MEMBER], score)]:
                found.append(f"the index says that lane {lane} begins with {head!r}, it is {first}")
        return found

    def _places(self) -> list[str]:
        """Compare where ready jobs stand with the order of the queue."""
        by_time = self._one("HGET", "control", "order") == b"run_at"
        found: list[str] = []
        for lane in self._lanes():
            for member, score in self._scores(f"lane:{lane}"):
                place = (int(score), int(member[:12], 16))
                priority, due = self._rank(member[22:])
                if place != ((due, priority - LOWEST) if by_time else (priority, due)):
                    found.append(f"{member!r} of lane {lane} is not in its place: {score!r}")
        return found

    def _rank(self, job_id: str) -> tuple[int, int]:
        _, priority, due, *_ = self._bodies[job_id].split(b" ", 3)
        later = _fields(self._states.get(job_id, b""))
        return int(later.get("p", priority)), int(later.get("d", due))

    def _leases(self) -> list[str]:
        """Each leased job has a token, and is counted at its place; nothing else is."""
        leased = self._ids("running")
        lines = {job_id: self._states.get(job_id, b"") for job_id in leased}
        places = {f"{_fields(lines[i]).get('v', ' ').split(' ')[1]} {i}" for i in leased}
        active = {member: score for member, score in self._scores("active") if score == 0}
        return [
            *(f"{job_id} is leased, and its state does not begin with a token"
              for job_id in leased if not lines[job_id].startswith(b"k")),
            *(f"{place} is leased, and not counted" for place in sorted(places - active.keys())),
            *(f"{member} is counted, and does not run there"
              for member in sorted(set(self._ids("active")) - places)),
        ]  # fmt: skip

    def _keys(self, stands: dict[str, list[str]]) -> list[str]:
        """Each unique key names a live job that names it back, and no ended job names one."""
        held = {
            job_id: line[1:].decode().split(" ", 2)
            for job_id, state in self._states.items()
            for line in state.split(b"\n")
            if line.startswith(b"q")
        }
        entries = self._pairs("unique")
        owners = {key: entry.decode().split(" ")[0] for key, entry in entries.items()}
        found = [
            f"unique key {key} names {owner}, which does not hold it"
            for key, owner in owners.items()
            if held.get(owner, ["", "", ""])[2] != key
        ]
        for job_id, (letters, ttl, key) in held.items():
            places = {place.removesuffix(":kept") for place in stands.get(job_id, ())}
            freed = {*ENDED, "running"} if letters.startswith("s") else {*ENDED}
            if not places or places & freed:
                found.append(f"{job_id} is in {places} and still holds its unique key {key}")
            if ttl == "-" and owners.get(key) != job_id:
                found.append(f"{job_id} holds {key} for good, which names {owners.get(key)}")
        return found

    def _names(self, key: str) -> list[str]:
        return sorted(name.decode() for name in self._one("SMEMBERS", key))

    def _index(self, key: str) -> list[str]:
        """Compare what stands in a set with what the index by type has of it."""
        has_ended = key.startswith(ENDED)
        entries = self._scores(key)
        ids = [member[:ID] if has_ended else member[10:] for member, _ in entries]
        bodies = [self._bodies.get(job_id) for job_id in ids]
        stands: dict[str, dict[str, float]] = {}
        for (member, score), job_id, body in zip(entries, ids, bodies, strict=True):
            its_type = (body or b"").partition(b" ")[0].decode()
            if has_ended and member[ID:] != its_type:
                return [f"{member} in {key} is not of type {its_type}"]
            stands.setdefault(its_type, {})[job_id if has_ended else member] = score
        if key == "succeeded":
            counts = self._counts(f"types:{key}")
            sizes = {name: len(members) for name, members in stands.items()}
            return [] if counts == sizes else [f"{key} has {sizes}, the tally says {counts}"]
        named = self._names(f"types:{key}")
        indexed = {name: dict(self._scores(f"of:{key}:{name}")) for name in named}
        return [] if indexed == stands else [f"{key} has {stands}, its index says {indexed}"]

    def _counts(self, key: str) -> dict[str, int]:
        return {name: int(number) for name, number in self._pairs(key).items()}

    def _scores(self, key: str) -> list[tuple[str, float]]:
        reply: list[bytes] = self._one("ZRANGE", key, 0, -1, "WITHSCORES")
        pairs = zip(reply[::2], reply[1::2], strict=True)
        return [(member.decode(), float(score)) for member, score in pairs]

    def _schedules(self) -> list[str]:
        """Each schedule has a state, and stands by its next tick or by its end."""
        found: list[str] = []
        known = {name.decode() for name in self._one("HKEYS", "schedules")}
        states = self._pairs("scheduling")
        ticks = dict(self._scores("ticks"))
        ended = set(self._ids("schedules:ended"))
        if not known == states.keys() == ticks.keys() | ended:
            found.append(f"schedules {known} have states {states}, and {ticks} and {ended} stand")
        for name in known & states.keys():
            fields = _fields(states[name])
            waits = name in ticks and "t" in fields and ticks[name] >= int(fields["t"])
            if waits == (name in ended) or ("e" in fields) != (name in ended):
                found.append(f"schedule {name} is {fields}, waits is {waits}")
        return found

    def _ticks(self, stands: dict[str, list[str]]) -> list[str]:
        """Unfinished ticks are live jobs that name their schedule, and no ended job names one."""
        found: list[str] = []
        names = {job_id: _fields(lines).get("S") for job_id, lines in self._states.items()}
        for schedule in self._one("HKEYS", "schedules"):
            name = schedule.decode()
            found += [
                f"schedule {name} has the unfinished {member!r}, which is no tick of it"
                for member in self._one("SMEMBERS", f"unfinished:{name}")
                if names.get(member.decode()) != name
            ]
        ends = {key for each in ENDED for key in (each, f"{each}:kept")}
        for job_id, its_schedule in names.items():
            if its_schedule is not None and not ends.isdisjoint(stands.get(job_id, ["succeeded"])):
                found.append(f"{job_id} has ended, and is still a tick of {its_schedule}")
        return found

    def _counted(self) -> list[str]:
        """Each minute stands in its place of the ring, and its group is known."""
        known = {group.decode() for group in self._one("HKEYS", "totals")}
        found = [f"{len(known)} groups are counted"] if len(known) > TYPES_COUNTED + 1 else []
        for field, value in self._pairs("minutes").items():
            place, _, group = field.partition(" ")
            written = _MINUTE.fullmatch(value)
            if written is None or int(written[1]) % MINUTES_KEPT != int(place):
                found.append(f"place {place} of {group} in the ring of minutes has {value!r}")
            if group not in known:
                found.append(f"minutes of {group} are counted, and its totals are not")
        return found


def _fields(lines: bytes) -> dict[str, str]:
    return {line[:1]: line[1:] for line in lines.decode().split("\n")}
