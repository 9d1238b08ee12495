"""The scripts: one `.lua` file for each operation, and the parts that they share in `lib`.

A script names the parts that it needs in a comment, `-- needs: time lanes`; they are put in
front of it, in that order, when it is first used.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_NEEDS = re.compile(r"^-- needs: (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text and the name under which Redis caches it."""

    name: str
    text: bytes
    sha: bytes


@cache
def script(name: str) -> Script:
    """Read one script and put the parts that it needs in front."""
    folder = files("jobkit.redis.scripts")
    own = folder.joinpath(f"{name}.lua").read_text("utf-8")
    needed = _NEEDS.search(own)
    parts = needed[1].split() if needed else []
    text = "\n".join(
        [*(folder.joinpath(f"lib/{part}.lua").read_text("utf-8") for part in parts), own]
    )
    encoded = text.encode()
    return Script(name, encoded, hashlib.sha1(encoded, usedforsecurity=False).hexdigest().encode())
