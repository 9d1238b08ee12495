"""What can be said of a script's text without a Redis."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from jobkit.redis.scripts import script

FOLDER = files("jobkit.redis.scripts")
NAMES = sorted(
    file.name.removesuffix(".lua") for file in FOLDER.iterdir() if file.name.endswith(".lua")
)
GIVEN = {"KEYS", "ARGV", "redis", "string", "table", "math", "true", "false", "nil", "ipairs",
         "pairs", "next", "tonumber", "unpack"}  # fmt: skip
WORDS = {"and", "break", "do", "else", "elseif", "end", "for", "function", "if", "in", "local",
         "not", "or", "repeat", "return", "then", "until", "while"}  # fmt: skip


class Reader:
    """Reads a script word by word, with the names that are known in each block."""

    def __init__(self, text: str) -> None:
        text = re.sub(r"--[^\n]*", "", text)
        text = re.sub(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", " 0 ", text)
        self.words = re.findall(r"\.\.\.?|[A-Za-z_]\w*|[0-9][\w.]*|==|~=|<=|>=|\S", text)
        self.blocks: list[set[str]] = [set(GIVEN)]
        self.unknown: set[str] = set()
        self.brackets: list[str] = []

    def read(self) -> None:
        at = 0
        while at < len(self.words):
            at = self._step(at)

    def _step(self, at: int) -> int:
        word = self.words[at]
        if word in {"local", "function", "for"}:
            return self._introduce(at)
        if word in {"(", "{", "["}:
            self.brackets.append(word)
        elif word in {")", "}", "]"}:
            self.brackets.pop()
        if word in {"else", "elseif", "end", "until"}:
            self.blocks.pop()
        if word in {"then", "do", "repeat", "else"}:
            self.blocks.append(set())
        self._look_up(at)
        return at + 1

    def _introduce(self, at: int) -> int:
        """Read what brings new names."""
        if self.words[at] == "function":
            return self._parameters(at + 1)
        if self.words[at + 1] == "function":
            self.blocks[-1].add(self.words[at + 2])
            return self._parameters(at + 3)
        names, end = self._names(at + 1)
        if self.words[at] == "for":
            return self._loop(end + 1, names)
        if self.words[end] == "=":
            return self._statement(end + 1, names)
        self.blocks[-1].update(names)
        return end

    def _statement(self, at: int, names: list[str]) -> int:
        """Read what is given to new names, which do not know themselves yet."""
        depth, blocks = len(self.brackets), len(self.blocks)
        starts = {"local", "return", "if", "for", "while", "end", "break", "else", "elseif"}
        while at < len(self.words):
            word, before = self.words[at], self.words[at - 1]
            if (len(self.brackets), len(self.blocks)) == (depth, blocks):
                ends_value = re.match(r"[\w)}\]]", before) and before not in WORDS - {"end"}
                begins = word in starts or (re.match(r"[A-Za-z_]", word) and word not in WORDS)
                if ends_value and begins:
                    break
            at = self._step(at)
        self.blocks[-1].update(names)
        return at

    def _names(self, at: int) -> tuple[list[str], int]:
        names = [self.words[at]]
        while self.words[at + 1] == ",":
            at += 2
            names.append(self.words[at])
        return names, at + 1

    def _loop(self, at: int, names: list[str]) -> int:
        while self.words[at] != "do":
            at = self._step(at)
        self.blocks.append(set(names))
        return at + 1

    def _parameters(self, at: int) -> int:
        end = self.words.index(")", at)
        self.blocks.append({word for word in self.words[at:end] if word not in "(,"})
        return end + 1

    def _look_up(self, at: int) -> None:
        word, before = self.words[at], self.words[at - 1] if at else ""
        following = self.words[at + 1] if at + 1 < len(self.words) else ""
        if not re.match(r"[A-Za-z_]", word) or word in WORDS or before in {".", ":"}:
            return
        is_field = following == "=" and before in {"{", ","} and self.brackets[-1:] == ["{"]
        if not is_field and not any(word in block for block in self.blocks):
            self.unknown.add(word)


@pytest.mark.parametrize("name", NAMES)
def test_a_script_knows_every_name_that_it_uses(name: str) -> None:
    """Also on paths that no other test takes: a part may be named in one function only."""
    reader = Reader(script(name).text.decode())

    reader.read()

    assert reader.unknown == set()
    assert len(reader.blocks) == 1
