"""Two timelines of the same test: where they part, as a text to paste into an issue."""

from __future__ import annotations

from collections.abc import Iterator

from jobkit_testing.telling import RAW, Told, ToldEvent, tell
from jobkit_testing.timeline import Timeline

START = '@pytest.mark.jobkit(start="2030-01-01T00:00Z")'
EVENTS_BEFORE = 5
LONGEST = 200  # characters of a value
NOTHING = ToldEvent(at="", line="nothing more happened", job="", fields={})


def report(timeline_a: Timeline, timeline_b: Timeline) -> str:
    """Say where two runs of the same test first differ; "" if they do not.

    Give it the timelines of two `TestingJobs` to which the same was done, on two stores:
    `report(on_memory.timeline, on_redis.timeline)`. The text has both sides' records field by
    field, seed, start and versions, no secrets, and can be pasted into an issue as it is.
    """
    return difference(tell(timeline_a), tell(timeline_b))


def difference(a: Told, b: Told) -> str:
    """Say where two timelines first differ; "" if they do not."""
    number = _first_difference(a, b)
    if number is None:
        return ""
    one, other = _names(a, b)
    return "\n".join(
        [
            f"{one} and {other} differ at event {number}",
            "",
            "The same test on two stores must give one timeline. Where it takes nothing from the",
            "real clock, from chance or from outside, this is a bug of jobkit: please report it,",
            "with this text.",
            "",
            "```text",
            *_story(a, b, number, (one, other)),
            "",
            *_records(_event(a, number), _event(b, number), (one, other)),
            "",
            *_origins(a, b, (one, other)),
            "```",
        ]
    )


def _first_difference(a: Told, b: Told) -> int | None:
    """Return the number of the first event that is not the same, from 1."""
    first = max(a.earlier, b.earlier) + 1
    last = max(told.earlier + len(told.events) for told in (a, b))
    for number in range(first, last + 1):
        if _event(a, number) != _event(b, number):
            return number
    return None


def _event(told: Told, number: int) -> ToldEvent:
    index = number - 1 - told.earlier
    return told.events[index] if index < len(told.events) else NOTHING


def _names(a: Told, b: Told) -> tuple[str, str]:
    if a.place == b.place:
        return f"{a.place} (a)", f"{b.place} (b)"
    return a.place, b.place


def _story(a: Told, b: Told, number: int, names: tuple[str, str]) -> Iterator[str]:
    """Yield the events before, and then those of both sides."""
    width = max(len(name) for name in (*names, "both"))
    earliest = max(a.earlier, b.earlier) + 1
    for before in range(max(earliest, number - EVENTS_BEFORE), number):
        yield _line("both", width, _event(a, before))
    for name, told in zip(names, (a, b), strict=True):
        yield _line(name, width, _event(told, number))


def _line(name: str, width: int, event: ToldEvent) -> str:
    return f"{name:<{width}}  {event.at:>9}  {event.line}"


def _records(one: ToldEvent, other: ToldEvent, names: tuple[str, str]) -> Iterator[str]:
    """Yield the fields of both jobs: what differs on lines of its own, then what is the same."""
    if one.job == other.job:
        yield f"job {one.job} after that" if one.job else "no job of a test"
    else:
        for name, event in zip(names, (one, other), strict=True):
            yield f"{name}: {f'job {event.job} after that' if event.job else 'no job'}"
    fields = list(dict.fromkeys([*one.fields, *other.fields]))
    differing = [name for name in fields if one.fields.get(name) != other.fields.get(name)]
    for name in differing:
        yield f"! {name}"
        yield from _both(one.fields.get(name), other.fields.get(name), name, names)
    for name in fields:
        if name not in differing and name != RAW:
            yield f"  {name}: {_cut(one.fields[name], 0)}"


def _both(one: str | None, other: str | None, name: str, names: tuple[str, str]) -> Iterator[str]:
    if name == RAW:
        yield "    differ; they are not shown, there may be secrets in them"
        return
    start = _where(one or "", other or "")
    width = max(map(len, names))
    for side, value in zip(names, (one, other), strict=True):
        yield f"    {side:<{width}}  {'(no such field)' if value is None else _cut(value, start)}"


def _where(one: str, other: str) -> int:
    """Return from where on to show two long texts: a little before they differ."""
    pairs = zip(one, other, strict=False)
    same = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
    return max(0, same - LONGEST // 2) if max(len(one), len(other)) > LONGEST else 0


def _cut(value: str, start: int) -> str:
    """Return a part of a text, on one line."""
    before, after = "..." if start else "", "..." if len(value) > start + LONGEST else ""
    part = value[start : start + LONGEST].replace("\n", "\\n")
    return f"{before}{part}{after}"


def _origins(a: Told, b: Told, names: tuple[str, str]) -> Iterator[str]:
    sides = list(zip(names, (a, b), strict=True))
    for name, told in sides:
        yield (
            f"{name}: start {told.start}, seed {told.seed}, events "
            f"{told.earlier + len(told.events)}; jobkit {told.jobkit}, Python {told.python}"
        )
    if a.start != b.start:
        yield (
            "The two began at different instants: so their ids differ, and with these the jitter "
            f"of retries. Give both one start: {START}"
        )
    if a.seed != b.seed:
        yield "The two had different seeds: their ids and delays differ for that reason alone."
