"""What could stand at a place in Bash code: the shell's own `compgen` tells. Nothing else of it runs."""

import os
import re

from kernel_units import CHARS, MOST, TAIL, characters, units_of

# Enough to find the first ones in alphabetical order, whatever a directory holds.
_TEXT_BYTES = 1024 * 1024
_WORD = re.compile(r"(?:\\.|[^\s;|&()<>\"'`$={}\\])*$", re.DOTALL)
_VARIABLE = re.compile(r"\$\{?(\w*)$")
_COMMAND_FOLLOWS = re.compile(r"(?:^|[;|&(\n`]|\$\(|(?:^|[\s;])(?:then|do|else|elif|if|while|until|!|time))\s*$")
_SPECIAL = re.compile(r"([^\w@%+:,./~-])")


def complete(code, cursor, ask, directory):
    """`ask(arguments, word)` answers what `compgen` prints."""
    before = code[: characters(code, cursor)]
    tail = before[-TAIL:]
    variable = _VARIABLE.search(tail)
    if variable is not None:
        word, kind, arguments = variable.group(1), "variable", "-v"
    else:
        word = _WORD.search(tail).group(0)
        follows = _COMMAND_FOLLOWS.search(tail[: len(tail) - len(word)])
        is_command = follows is not None and "/" not in word
        kind, arguments = ("command", "-c") if is_command else ("file", "-f")
    plain = re.sub(r"\\(.)", r"\1", word)
    # One letter of a command stands for hundreds, and no answer is longer than what is told.
    said = ask(arguments, plain)[:_TEXT_BYTES] if len(plain) <= CHARS else ""
    found = {line for line in said.split("\n") if line and not line.startswith("__ci_")}
    shown = (_SPECIAL.sub(r"\\\1", _marked(name, directory)) if kind == "file" else name for name in found)
    texts = sorted(text for text in shown if len(text) <= CHARS)
    end = units_of(before)
    return {
        "start": end - units_of(word),
        "end": end,
        "matches": [{"text": text, "kind": kind} for text in texts[:MOST]],
        "truncated": len(texts) > MOST,
    }


def _marked(name, directory):
    return name + "/" if os.path.isdir(os.path.join(directory, name)) else name
