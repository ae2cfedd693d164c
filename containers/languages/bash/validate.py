"""Tells whether code is well formed Bash. Must never run any of it."""

import json
import os
import re
import subprocess
import sys

_SHELL = "/bin/bash"
_TOLD = re.compile(r"^[^\n]*?: line (\d+): (.*)$")
_TOKEN = re.compile(r"near unexpected token `(.+)'$")


def problems_of(code):
    fd = os.memfd_create("code")
    with os.fdopen(fd, "wb", closefd=False) as file:
        file.write(code)
    path = "/proc/self/fd/%d" % fd
    parser = subprocess.Popen(
        [_SHELL, "--norc", "--noprofile", "-O", "expand_aliases", "-n", path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=(fd,),
    )
    # Not before there is one: a parser that could not be started has found nothing.
    print("ready", flush=True)
    _, told = parser.communicate()
    if parser.returncode == 0:
        return []
    lines = code.decode("utf-8", "replace").split("\n")
    problems = []
    for said in told.decode("utf-8", "replace").split("\n"):
        found = _TOLD.match(said)
        # It repeats the line that it does not understand.
        if found is None or found.group(2).startswith("`"):
            continue
        line, message = max(1, int(found.group(1))), found.group(2)
        problems.append({"line": line, "column": _column(lines, line, message), "message": message})
    return problems[:10] or [{"line": 1, "column": 1, "message": "bash refuses this code"}]


def _column(lines, line, message):
    """Of the token that it names; bash tells no column."""
    token = _TOKEN.search(message)
    text = lines[line - 1] if line <= len(lines) else ""
    return text.find(token.group(1)) + 1 or 1 if token else 1


def main():
    code = sys.stdin.buffer.read()
    if b"\0" in code:
        print("ready", flush=True)
        line = code.count(b"\n", 0, code.find(b"\0")) + 1
        problems = [{"line": line, "column": 1, "message": "the code must not contain null bytes"}]
    else:
        problems = problems_of(code)
    print(json.dumps({"problems": problems}))


main()
