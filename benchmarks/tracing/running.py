"""Rules of running: how many handlers, under which leases, kept alive and told in time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise

from benchmarks.tracing.story import Held, Story
from benchmarks.tracing.trace import Complained, Entered, Left
from jobkit.store import Beat, Fire, Heartbeat, Leave, MarkTimedOut

TOLD_WITHIN = 500  # ms, on a machine that is busy


def handlers_fit_the_slots(story: Story) -> Iterator[str]:
    """No more handlers run at once than the worker has slots, abandoned ones included (B28)."""
    running: dict[str, int] = {}
    for place, entry in enumerate(story.trace):
        if isinstance(entry, Entered):
            running[entry.worker] = running.get(entry.worker, 0) + 1
            slots = story.began[entry.worker].concurrency
            if running[entry.worker] > slots:
                yield f"{entry.worker} runs {running[entry.worker]} at {place}, and has {slots}"
        elif isinstance(entry, Left):
            running[entry.worker] -= 1


def handlers_run_once_under_a_lease(story: Story) -> Iterator[str]:
    """A handler runs once for each lease, which its worker was given and has not settled (B23)."""
    for place, entered in story.every(Entered):
        held = story.find(entered.worker, entered.lease)
        if held is None or held.place > place:
            yield f"{entered.worker} runs {entered.lease} at {place} without a lease"
        elif held.entered[0][0] < place:
            yield f"{held} runs a second time at {place}"
        elif held.sent and held.sent[0].place < place and not _is_told(held):
            yield f"{held} runs at {place}, and was settled at {held.sent[0].place}"


def _is_told(held: Held) -> bool:
    # Who begins at the very moment of a shutdown hears of it at once.
    return held.left is None or held.left[1].told == "shutdown"


def nothing_runs_after_the_stop(story: Story) -> Iterator[str]:
    """Who has stopped begins no handler."""
    for place, entered in story.every(Entered):
        if place > story.stopped.get(entered.worker, len(story.trace)):
            yield f"{entered.worker} runs {entered.lease} at {place}, after its end"


def timeouts_are_not_early(story: Story) -> Iterator[str]:
    """No handler is told that its time is over before it is (B28)."""
    for place, did, mark in story.operations(MarkTimedOut):
        held = story.find(mark.worker, mark.lease)
        if held is None or not held.entered:
            continue  # killed before its handler came to a word
        timeout = held.entered[0][1].timeout
        if timeout is None or did.at < held.at + timeout:
            yield f"{held} was claimed at {held.at}, and is timed out at {did.at} ({place})"


def heartbeats_come_in_time(story: Story) -> Iterator[str]:
    """A lease is extended before it runs out, whatever handlers do (B37).

    A process that sent nothing at all for half a lease had no processor; it is not the keeper's
    fault.
    """
    signs = _signs_of_life(story)
    for name, began in story.began.items():
        beats: dict[str, list[int]] = {}
        for _, did, beat in story.operations(Heartbeat):
            if beat.worker == name:
                beats.setdefault(beat.queue, []).append(did.at)
        for held in story.of(name):
            begin, end = held.at, _end_of(story, held)
            own = beats.get(held.job.queue, [])
            inside = own[bisect_left(own, begin) : bisect_right(own, end)]
            for earlier, later in pairwise([begin, *inside, end]):
                if later - earlier > began.lease and not _was_silent(
                    signs[name], earlier, later, began.lease // 2
                ):
                    yield f"{held} was not extended from {earlier} to {later}"


def _signs_of_life(story: Story) -> dict[str, list[int]]:
    """Return, by worker, the instants at which its process sent or said something."""
    signs: dict[str, list[int]] = {name: [] for name in story.began}
    for entry in story.trace:
        name = story.name_behind(entry)
        if name is not None:
            signs[name].append(entry.at)
    return signs


def _was_silent(signs: list[int], begin: int, end: int, longest: int) -> bool:
    inside = signs[bisect_left(signs, begin) : bisect_right(signs, end)]
    return any(later - earlier > longest for earlier, later in pairwise([begin, *inside, end]))


def _end_of(story: Story, held: Held) -> int:
    """Return when a worker stopped caring for a lease: it ended, was lost, or the worker died."""
    if held.left is not None:
        return held.left[1].at
    if held.sent:
        return held.sent[0].did.at
    return story.end_of(held.worker)


def workers_leave_for_good(story: Story) -> Iterator[str]:
    """After its last word to a queue a worker shows no sign of life there."""
    leaves = {(leave.worker, leave.queue): place for place, _, leave in story.operations(Leave)}
    for place, did, beat in story.operations(Heartbeat):
        left = leaves.get((beat.worker, beat.queue))
        if left is not None and place > left:
            yield f"{did.sender} beats at {place}, and has left {beat.queue} at {left}"


def handlers_hear_of_their_end(story: Story) -> Iterator[str]:
    """What a heartbeat learned of a lease, its handler is told: lost, cancelled or deleted."""
    for place, did, beat in story.operations(Heartbeat):
        if not isinstance(did.answer, Beat) or did.reply != "heard":
            continue
        ended = {*did.answer.lost, *did.answer.cancelled, *did.answer.deleted}
        for lease in beat.leases:
            held = story.find(beat.worker, lease)
            if lease.id not in ended or held is None or held.left is None:
                continue
            if held.left[1].told is None and held.left[1].at > did.at + TOLD_WITHIN:
                yield f"{held} was told nothing, and its end was known at {place}"


def ticks_make_one_job(story: Story) -> Iterator[str]:
    """However many workers fire a tick, one of them does (B16)."""
    fired: dict[tuple[str, str, int], int] = {}
    for place, did, fire in story.operations(Fire):
        key = fire.queue, fire.name, fire.expected
        if did.answer == "fired" and key in fired:
            yield f"the tick of {fire.name} at {fire.expected} is fired at {fired[key]} and {place}"
        if did.answer == "fired":
            fired[key] = place


def nobody_complains(story: Story) -> Iterator[str]:
    """No thread of a worker met an error of jobkit's own."""
    for place, complained in story.every(Complained):
        yield f"{complained.worker} at {place}: {complained.text}"
