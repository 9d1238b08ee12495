"""The files of the payload guard: one a type, with a payload a line, made to be kept in git.

```json
{
  "type": "app.jobs.SendWelcome",
  "class": "app.jobs:SendWelcome",
  "payloads": [
    {"email":"ann@example.com","locale":"en"}
  ]
}
```

`type` is the stored name, `class` where it was when the file was written.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

LONGEST_NAME = 200  # of a file; types may have longer ones


class BadFile(Exception):
    """A file that is none of ours, or was broken; the text says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The payloads of one type, as they are in its file."""

    type: str
    home: str
    payloads: tuple[bytes, ...]

    @property
    def file_name(self) -> str:
        """The name of the file: that of the type, cut and told apart if it is too long."""
        if len(self.type) <= LONGEST_NAME:
            return f"{self.type}.json"
        digest = hashlib.blake2b(self.type.encode(), digest_size=6).hexdigest()
        return f"{self.type[: LONGEST_NAME - 20]}-{digest}.json"

    @property
    def text(self) -> bytes:
        """The content of the file, the same for the same payloads."""
        head = (b'  "%s": %s,' % (name.encode(), msgspec.json.encode(value))
                for name, value in (("type", self.type), ("class", self.home)))  # fmt: skip
        payloads = b",\n".join(b"    " + payload for payload in self.payloads)
        return b'{\n%s\n  "payloads": [\n%s\n  ]\n}\n' % (b"\n".join(head), payloads)


class _Content(msgspec.Struct):
    type: str
    home: str = msgspec.field(name="class")
    payloads: list[msgspec.Raw]


def read_files(folder: Path) -> dict[str, Recorded]:
    """Read all files of a folder, by type; raises `BadFile`."""
    found: dict[str, Recorded] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            content = msgspec.json.decode(path.read_bytes(), type=_Content)
            payloads = tuple(msgspec.json.format(each, indent=-1) for each in content.payloads)
        except msgspec.MsgspecError as error:
            raise BadFile(f"{path}: {error}; restore it, or remove it to record anew") from error
        recorded = Recorded(type=content.type, home=content.home, payloads=payloads)
        if path.name != recorded.file_name:
            raise BadFile(f"{path}: the payloads of {content.type} belong to {recorded.file_name}")
        found[content.type] = recorded
    return found


def write_file(folder: Path, recorded: Recorded) -> None:
    """Write a file; a reader sees the old one or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / recorded.file_name
    new = path.with_suffix(".new")
    new.write_bytes(recorded.text)
    os.replace(new, path)
