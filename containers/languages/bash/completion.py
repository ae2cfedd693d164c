"""What could stand at a place in Bash code: the shell's own `compgen` tells. Nothing else of it runs."""

import os
import re

_MOST = 200
_CHARS = 256
# Enough to find the first ones in alphabetical order, whatever a directory holds.
_TEXT_BYTES = 1024 * 1024
_WORD = re.compile(r"(?:\\.|[^\s;|&()<>\"'`$={}\\])*$", re.DOTALL)
_VARIABLE = re.compile(r"\$\{?(\w*)$")
_COMMAND_FOLLOWS = re.compile(r"(?:^|[;|&(\n`]|\$\(|(?:^|[\s;])(?:then|do|else|elif|if|while|until|!|time))\s*$")
_SPECIAL = re.compile(r"([^\w@%+:,./~-])")


def complete(code, cursor, ask, directory):
    """`ask(arguments, word)` answers what `compgen` prints."""
    before = _units_head(code, cursor)
    variable = _VARIABLE.search(before)
    if variable is not None:
        word, kind, arguments = variable.group(1), "variable", "-v"
    else:
        word = _WORD.search(before).group(0)
        follows = _COMMAND_FOLLOWS.search(before[: len(before) - len(word)])
        is_command = follows is not None and "/" not in word
        kind, arguments = ("command", "-c") if is_command else ("file", "-f")
    # One letter of a command stands for hundreds.
    said = ask(arguments, re.sub(r"\\(.)", r"\1", word))[:_TEXT_BYTES]
    found = {line for line in said.split("\n") if line and not line.startswith("__ci_")}
    shown = (_SPECIAL.sub(r"\\\1", _marked(name, directory)) if kind == "file" else name for name in found)
    texts = sorted(text for text in shown if len(text) <= _CHARS)
    end = _units(before)
    return {
        "start": end - _units(word),
        "end": end,
        "matches": [{"text": text, "kind": kind} for text in texts[:_MOST]],
        "truncated": len(texts) > _MOST,
    }


def _marked(name, directory):
    return name + "/" if os.path.isdir(os.path.join(directory, name)) else name


def _units(text):
    return len(text) + sum(ord(character) > 0xFFFF for character in text)


def _units_head(code, cursor):
    """The head of so many UTF-16 code units, in whole characters."""
    units = 0
    for at, character in enumerate(code):
        units += 2 if ord(character) > 0xFFFF else 1
        if units > cursor:
            return code[:at]
    return code
