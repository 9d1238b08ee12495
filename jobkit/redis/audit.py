"""The invariants of a queue, checked on Redis by a client; for queues at rest."""

from __future__ import annotations

import re
from collections.abc import Callable
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


class _Auditor:
    def __init__(self, send: Send, prefix: str) -> None:
        self._send = send
        self._prefix = prefix

    def breaches(self) -> list[str]:
        stands = self._standing()
        bodies = {body.decode() for body in self._one("HKEYS", "bodies")}
        return [
            *(f"{i} has a body and stands in {stands.get(i, [])}" for i in sorted(bodies)
              if len(stands.get(i, [])) != 1),
            *(f"{i} stands in {where} without a body" for i, where in sorted(stands.items())
              if i not in bodies),
            *self._heads(),
            *self._places(),
            *self._leases(),
            *self._keys(stands),
            *self._running_places(),
            *(breach for key in TYPED for breach in self._index(key)),
            *self._schedules(),
            *self._ticks(stands),
            *self._counted(),
            *self._outboxes(),
        ]  # fmt: skip

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

    def _one(self, word: str, key: str, *args: Any) -> Any:
        reply = self._send([(word, self._prefix + key, *args)])[0]
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _ids(self, key: str, skip: int = 0) -> list[str]:
        return [member.decode()[skip:] for member in self._one("ZRANGE", key, 0, -1)]

    def _lanes(self) -> dict[str, list[bytes]]:
        heads: list[bytes] = self._one("ZRANGE", "heads", 0, -1)
        names = [head.decode()[MEMBER:] for head in heads]
        return {name: self._one("ZRANGE", f"lane:{name}", 0, -1) for name in names}

    def _standing(self) -> dict[str, list[str]]:
        stands: dict[str, list[str]] = {}
        places = [(key, self._ids(key, 10)) for key in ("scheduled", "retrying")]
        places += [("running", self._ids("running"))]
        places += [
            (key, [member[:ID] for member in self._ids(key)])
            for each in ENDED
            for key in (each, f"{each}:kept")
        ]
        for name, members in self._lanes().items():
            places.append((f"lane:{name}", [member.decode()[22:] for member in members]))
        for place, ids in places:
            for job_id in ids:
                stands.setdefault(job_id, []).append(place)
        return stands

    def _heads(self) -> list[str]:
        heads: list[bytes] = self._one("ZRANGE", "heads", 0, -1, "WITHSCORES")
        found: list[str] = []
        for head, score in zip(heads[::2], heads[1::2], strict=True):
            lane = head.decode()[MEMBER:]
            first = self._one("ZRANGE", f"lane:{lane}", 0, 0, "WITHSCORES")
            if first != [head[:MEMBER], score]:
                found.append(f"the index says that lane {lane} begins with {head!r}, it is {first}")
        return found

    def _places(self) -> list[str]:
        """Compare where ready jobs stand with the order of the queue."""
        by_time = self._one("HGET", "control", "order") == b"run_at"
        found: list[str] = []
        for lane in self._lanes():
            members: list[bytes] = self._one("ZRANGE", f"lane:{lane}", 0, -1, "WITHSCORES")
            for member, score in zip(members[::2], members[1::2], strict=True):
                place = (int(score), int(member[:12], 16))
                priority, due = self._rank(member[22:].decode())
                if place != ((due, priority - LOWEST) if by_time else (priority, due)):
                    found.append(f"{member!r} of lane {lane} is not in its place: {score!r}")
        return found

    def _rank(self, job_id: str) -> tuple[int, int]:
        _, priority, due, *_ = self._one("HGET", "bodies", job_id).split(b" ", 3)
        state = (self._one("HGET", "states", job_id) or b"").decode()
        later = {line[:1]: line[1:] for line in state.split("\n")}
        return int(later.get("p", priority)), int(later.get("d", due))

    def _leases(self) -> list[str]:
        found: list[str] = []
        for job_id in self._ids("running"):
            lines = (self._one("HGET", "states", job_id) or b"").decode()
            fields = {line[:1]: line[1:] for line in lines.split("\n")}
            place = fields.get("v", " ").split(" ")[1]
            if not lines.startswith("k"):
                found.append(f"{job_id} is leased, and its state does not begin with a token")
                continue
            found += [
                f"{job_id} is leased, and {name} does not count it"
                for name in {place, place.partition("/")[0]}
                if self._one("ZSCORE", f"active:{name}", job_id) is None
            ]
        return found

    def _keys(self, stands: dict[str, list[str]]) -> list[str]:
        """Each unique key names a live job that names it back, and no ended job names one."""
        lines: list[bytes] = self._one("HGETALL", "states")
        held = {
            job_id.decode(): line[1:].decode().split(" ", 2)
            for job_id, state in zip(lines[::2], lines[1::2], strict=True)
            for line in state.split(b"\n")
            if line.startswith(b"q")
        }
        entries: list[bytes] = self._one("HGETALL", "unique")
        owners = {
            key.decode(): entry.decode().split(" ")[0]
            for key, entry in zip(entries[::2], entries[1::2], strict=True)
        }
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

    def _running_places(self) -> list[str]:
        found: list[str] = []
        running = set(self._ids("running"))
        for place in self._names("types:running"):
            members = self._ids(f"active:{place}")
            if strangers := set(members) - running:
                found.append(f"{place} counts {sorted(strangers)}, which do not run")
            if not members:
                found.append(f"{place} is named as a place of running jobs, and has none")
        return found

    def _names(self, key: str) -> list[str]:
        return sorted(name.decode() for name in self._one("SMEMBERS", key))

    def _index(self, key: str) -> list[str]:
        """Compare what stands in a set with what the index by type has of it."""
        has_ended = key.startswith(ENDED)
        entries = self._scores(key)
        ids = [member[:ID] if has_ended else member[10:] for member, _ in entries]
        bodies: list[bytes | None] = self._one("HMGET", "bodies", *ids) if ids else []
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
        reply: list[bytes] = self._one("HGETALL", key)
        return {name.decode(): int(n) for name, n in zip(reply[::2], reply[1::2], strict=True)}

    def _scores(self, key: str) -> list[tuple[str, float]]:
        reply: list[bytes] = self._one("ZRANGE", key, 0, -1, "WITHSCORES")
        pairs = zip(reply[::2], reply[1::2], strict=True)
        return [(member.decode(), float(score)) for member, score in pairs]

    def _schedules(self) -> list[str]:
        """Each schedule has a state, and stands by its next tick or by its end."""
        found: list[str] = []
        known = {name.decode() for name in self._one("HKEYS", "schedules")}
        states = {name.decode() for name in self._one("HKEYS", "scheduling")}
        scores: list[bytes] = self._one("ZRANGE", "ticks", 0, -1, "WITHSCORES")
        ticks = {
            name.decode(): float(score)
            for name, score in zip(scores[::2], scores[1::2], strict=True)
        }
        ended = set(self._ids("schedules:ended"))
        if not known == states == ticks.keys() | ended:
            found.append(f"schedules {known} have states {states}, and {ticks} and {ended} stand")
        for name in known & states:
            fields = _fields(self._one("HGET", "scheduling", name))
            waits = name in ticks and "t" in fields and ticks[name] >= int(fields["t"])
            if waits == (name in ended) or ("e" in fields) != (name in ended):
                found.append(f"schedule {name} is {fields}, waits is {waits}")
        return found

    def _ticks(self, stands: dict[str, list[str]]) -> list[str]:
        """Unfinished ticks are live jobs that name their schedule, and no ended job names one."""
        found: list[str] = []
        states: list[bytes] = self._one("HGETALL", "states")
        names = {
            job_id.decode(): _fields(lines).get("S")
            for job_id, lines in zip(states[::2], states[1::2], strict=True)
        }
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
        ring: list[bytes] = self._one("HGETALL", "minutes")
        found = [f"{len(known)} groups are counted"] if len(known) > TYPES_COUNTED + 1 else []
        for field, value in zip(ring[::2], ring[1::2], strict=True):
            place, _, group = field.decode().partition(" ")
            written = _MINUTE.fullmatch(value)
            if written is None or int(written[1]) % MINUTES_KEPT != int(place):
                found.append(f"place {place} of {group} in the ring of minutes has {value!r}")
            if group not in known:
                found.append(f"minutes of {group} are counted, and its totals are not")
        return found


def _fields(lines: bytes) -> dict[str, str]:
    return {line[:1]: line[1:] for line in lines.decode().split("\n")}
