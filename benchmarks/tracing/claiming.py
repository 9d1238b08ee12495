"""Rules of claiming: how much, of what, by whom, and when no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from benchmarks.tracing.story import Held, Story
from jobkit.store import Claim, Claimed, TakeOver


def leases_fit_the_slots(story: Story) -> Iterator[str]:
    """A claim brings no more than there is room for, whether or not what has ended is settled.

    As much again may wait to be settled behind the last claim, and once more what went behind the
    one before, if that got lost. A claim that had to be asked for again may bring more: others may
    have got its slots meanwhile. What it brings too much has to wait, as the rule of handlers
    tells.
    """
    for name, began in story.began.items():
        room = began.concurrency + began.prefetch
        at_once = [held for held in story.of(name) if not held.is_delayed]
        for place, taken in _taken((held.place, held.freed) for held in at_once):
            if taken > room:
                yield f"{name} holds {taken} jobs at {place}, with room for {room}"
        for place, taken in _taken((held.place, held.settled) for held in at_once):
            if taken > 3 * room:
                yield f"{name} holds {taken} leases at {place}, with room for {room}"


def suspects_run_alone(story: Story) -> Iterator[str]:
    """What was lost before is never prefetched, and never two at a time in one process (B37)."""
    for name in story.began:
        suspects = [held for held in story.of(name) if held.job.suspect]
        for held in suspects:
            if held.is_ahead:
                yield f"{held} was lost before, and is prefetched"
        for place, taken in _taken((held.place, _done_with(held)) for held in suspects):
            if taken > 1:
                yield f"{name} holds {taken} suspects at {place}"


def _done_with(held: Held) -> int | None:
    """Return where a lease is settled, and its handler has returned."""
    if held.freed is None or held.settled is None:
        return None
    return max(held.freed, held.settled)


def _taken(spans: Iterable[tuple[int, int | None]]) -> Iterator[tuple[int, int]]:
    """Yield, for each place where something begins, how many have by then and have not ended."""
    changes: list[tuple[int, int]] = []
    for begin, end in spans:
        changes.append((begin, 1))
        if end is not None:
            changes.append((end, -1))
    taken = 0
    for place, change in sorted(changes):  # what is freed at a place goes first
        taken += change
        if change > 0:
            yield place, taken


def claims_name_what_is_served(story: Story) -> Iterator[str]:
    """A worker asks its queues only, for types only that it has handlers for (B24)."""
    for place, did, claim in story.operations(Claim):
        began = story.began.get(claim.worker)
        if began is None:
            yield f"{did.sender} claims at {place} as {claim.worker}, who never began"
            continue
        if claim.queue not in began.queues:
            yield f"{claim.worker} claims from {claim.queue} at {place}"
        if strange := claim.lanes.lanes.keys() - began.types:
            yield f"{claim.worker} claims {sorted(strange)} at {place}, without handlers"
        if isinstance(did.answer, Claimed):
            got = {job.type for job in did.answer.jobs}
            if got - claim.lanes.lanes.keys():
                yield f"{claim.worker} was given {sorted(got)} at {place}"


def claims_are_asked_again_as_they_are(story: Story) -> Iterator[str]:
    """A claim is sent again unchanged, or void; only an answer makes room for the next.

    One that stood by may be carried out when the worker has been answered elsewhere, also after
    its void: the store tells it the same, and nothing is taken.
    """
    known: dict[tuple[str, str], dict[int, Claim]] = {}
    heard: set[tuple[str, str, int]] = set()
    for place, did, claim in story.operations(Claim):
        numbered = known.setdefault((claim.worker, claim.queue), {})
        before = numbered.get(claim.request)
        if before is not None:
            if claim not in (before, void(before)) and before != void(claim):
                yield f"{claim.worker} asks at {place} for {claim}, and before for {before}"
        elif numbered:
            last = max(numbered)
            if claim.request < last or (claim.worker, claim.queue, last) not in heard:
                yield f"{claim.worker} asks at {place} for {claim}, and never heard of {last}"
        numbered.setdefault(claim.request, claim)
        if did.reply == "heard":
            heard.add((claim.worker, claim.queue, claim.request))


def void(claim: Claim) -> Claim:
    """Return what a worker sends in place of a claim when it wants nothing more."""
    return replace(claim, slots=0, prefetch=0, suspects=0, idle=False)


def nothing_is_claimed_after_the_stop(story: Story) -> Iterator[str]:
    """After a worker was told to stop it claims no more.

    One request may have been under way, and one may have stood by.
    """
    requests: dict[str, list[int]] = {}
    for place, did, claim in story.operations(Claim):
        is_late = place > story.stops_claiming.get(claim.worker, len(story.trace))
        if is_late and claim != void(claim):
            requests.setdefault(claim.worker, []).append(did.request)
    for name, found in requests.items():
        if len(set(found)) > 2:
            yield f"{name} was told to stop, and claims with the requests {sorted(set(found))}"


def only_the_dead_are_taken_over(story: Story) -> Iterator[str]:
    """A worker takes over from those only that are known to be dead (B37)."""
    for place, did, take in story.operations(TakeOver):
        if place < story.killed.get(take.worker, len(story.trace)):
            yield f"{did.sender} takes over at {place} from {take.worker}, who lives"


def nothing_starts_early(story: Story) -> Iterator[str]:
    """No job is given out before it is due, not by a millisecond (B8)."""
    for held in story.held.values():
        if held.job.run_at > held.at:
            yield f"{held} was claimed at {held.at}, and is due at {held.job.run_at}"
