"""The scripts: one `.lua` file for each operation, and the parts that they share in `lib`.

A script or part names the parts that it needs in a comment, `-- needs: time lanes`; they are put
in place of it when the script is first used, each once. Redis makes every function of a script
anew in each call; so a comment inside a function names what is needed on that path only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_NEEDS = re.compile(r"^( *)-- needs: (.+)$")


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text and the name under which Redis caches it."""

    name: str
    text: bytes
    sha: bytes


@cache
def script(name: str) -> Script:
    """Read one script and put the parts that it needs where it names them."""
    folder = files("jobkit.redis.scripts")
    text = "\n".join(_lines(folder.joinpath(f"{name}.lua"), folder.joinpath("lib"), set()))
    encoded = text.encode()
    return Script(name, encoded, hashlib.sha1(encoded, usedforsecurity=False).hexdigest().encode())


def _lines(file: Traversable, lib: Traversable, known: set[str]) -> Iterator[str]:
    """Yield the lines of a file, with the parts that it needs and that are not `known` there."""
    for line in file.read_text("utf-8").splitlines():
        named = _NEEDS.match(line)
        if named is None:
            yield line
            continue
        inside, parts = named.groups()
        scope = set(known) if inside else known
        for part in parts.split():
            if part not in scope:
                scope.add(part)
                yield from _lines(lib.joinpath(f"{part}.lua"), lib, scope)
