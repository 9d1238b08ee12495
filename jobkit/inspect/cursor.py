"""Cursors: where a list of jobs goes on, as text that says nothing to those who hand it on."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from jobkit.checks import queue_name, type_name
from jobkit.errors import InvalidOption
from jobkit.inspect.choice import Choice
from jobkit.record import ENDED, JobState
from jobkit.store import Place

LARGEST_SCORE = 2**53
LONGEST_MEMBER = 400  # characters
_Words = tuple[str, str, str, str, int, str]
_decode = msgspec.json.Decoder(_Words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Go on in this state of this queue, behind a place (None: from its beginning)."""

    state: JobState
    queue: str
    place: Place | None = None


def write_cursor(spot: Spot, choice: Choice) -> str:
    """Return the text for a spot in the list of what was chosen."""
    line, score, member = "", 0, ""
    if spot.place is not None:
        line, score, member = spot.place.line, spot.place.score, spot.place.member
    words: _Words = (_digest(choice), spot.state.value, spot.queue, line, score, member)
    return urlsafe_b64encode(msgspec.json.encode(words)).decode().rstrip("=")


def read_cursor(text: str, choice: Choice) -> Spot:
    """Return the spot; raise `InvalidOption` for what `write_cursor` did not write for this."""
    broken = InvalidOption(
        f"jobs: cursor={text!r} is none of a list of jobs; give the `cursor` of the last page as "
        "it is, or none to start"
    )
    try:
        padding = "=" * (-len(text) % 4)
        words = _decode.decode(urlsafe_b64decode(text + padding))
        digest, state_word, queue, line, score, member = words
        state = JobState(state_word)
    except (TypeError, ValueError, binascii.Error):  # msgspec's errors are ValueErrors
        raise broken from None
    if digest != _digest(choice):
        raise InvalidOption(
            f"jobs: cursor={text!r} is of a list of another state, queue or type; ask for the "
            "same as before, or give no cursor"
        )
    if state not in choice.states or queue_name(queue) or choice.queue not in (None, queue):
        raise broken
    if not line:
        return Spot(state=state, queue=queue)
    fits = abs(score) <= LARGEST_SCORE and len(member) <= LONGEST_MEMBER and member.isascii()
    if not (fits and _is_line_of(state, line)):
        raise broken
    return Spot(state=state, queue=queue, place=Place(line=line, score=score, member=member))


def _is_line_of(state: JobState, line: str) -> bool:
    if state is JobState.QUEUED:
        return not type_name(line.removeprefix("!"))
    return line == state or (state in ENDED and line == f"{state}:kept")


def _digest(choice: Choice) -> str:
    asked = (" ".join(choice.states), choice.queue or "", *choice.types)
    return blake2b("\n".join(asked).encode(), digest_size=4).hexdigest()
