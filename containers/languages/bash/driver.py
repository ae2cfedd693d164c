"""A Bash context: one shell that lives on, told by this process what to run.

Owns what the shell is told before, for and after a run: its environment, stdin, limits and interrupt.
Must never believe the shell about more than its own run: what ends a run names a token that the shell
hears of only after the code.
"""

import json
import os
import secrets
import signal
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))
# Behind our own folder: both have a live_stdin.
sys.path[:0] = [_FOLDER, os.path.join(os.path.dirname(_FOLDER), "python")]

from channels import Channels, read_some  # noqa: E402
from kernel_fds import write_all  # noqa: E402
from kernel_measures import hold_file_size, io_counts, io_since  # noqa: E402
from live_stdin import LiveStdin  # noqa: E402
from shell import Interrupted, Shell, ShellEnded, place_of  # noqa: E402

# SIGINT leaves every function of the code, one after the other: each next command finds itself returning.
# Under `set -e` the first one would end the shell; under `extdebug` our own ones, which cannot return, be skipped.
_RETURN = "builtin return 130 2>/dev/null || builtin :"
_ON_INTERRUPT = "__ci_int=${__ci_int-$-}; builtin set +e -T; builtin trap '%s' DEBUG" % _RETURN
_AFTER_INTERRUPT = (
    "if [[ -v __ci_int ]]; then builtin trap - DEBUG; [[ $__ci_int == *T* ]] || builtin set +T; "
    "[[ $__ci_int != *e* ]] || builtin set -e; builtin unset __ci_int; fi"
)

# Of a program that was ended for it. The shell has a trap: its own writes fail and it goes on.
_LARGE_FILE_STATUS = 128 + signal.SIGXFSZ


class Runs:
    def __init__(self, channels, shell):
        self._channels = channels
        self._shell = shell
        self._count = 1
        self._base_done = False
        # What the shell tells a completion; kept, since a shell that was given up may still write there.
        self._told = None

    def run(self, request):
        channels = self._channels
        channels.begin(request["barrier"])
        pid = self._shell.pid
        io_before = io_counts(pid)
        try:
            problem = self._enter(request)
            channels.send({"type": "start", "executionCount": self._count})
            self._count += 1
            if problem is None and "\0" in request["code"]:
                problem = ("SyntaxError", "the code must not contain null bytes")
            if problem is not None:
                name, value = problem
                channels.send({"type": "error", "name": name, "value": value, "traceback": ""})
            let_go = hold_file_size(pid, request.get("fileBytes"))
            status = self._execute(request, problem is not None)
            let_go()
        except ShellEnded as end:
            if end.code < 0:
                die_of(-end.code)
            channels.send({"type": "done", "ok": end.code == 0, "exitCode": end.code, "lost": "exited"})
            return
        done = {"type": "done", "ok": status == 0, "exitCode": status, **io_since(io_before, pid)}
        if status == _LARGE_FILE_STATUS and request.get("fileBytes") is not None:
            done["reason"] = "file_size"
        channels.send(done)

    def complete(self, request):
        # Few shells are asked: its patterns would cost the start of each.
        from completion import complete

        shell = self._shell
        cursor = request["cursor"]
        if self._told is None:
            self._told = _memory_file("told", "")
        told = self._told

        def ask(arguments, word):
            token = secrets.token_hex(16)
            line = "builtin compgen %s -- %s >|%s" % (arguments, quote(word), place_of(told))
            shell.ask(token, [_guarded([line, shell.answer(token, "0")])], patient=False)
            said = os.pread(told, 1024 * 1024, 0)
            os.ftruncate(told, 0)
            return said.decode("utf-8", "replace")

        directory = "/proc/%d/cwd" % shell.pid
        try:
            found = complete(request["code"], cursor, ask, directory)
        except Interrupted:
            found = {"start": cursor, "end": cursor, "matches": [], "truncated": True}
        except ShellEnded as ended:
            raise SystemExit(ended.code & 0xFF)
        self._channels.say({"type": "completions", "barrier": request["barrier"], **found})

    def _enter(self, request):
        """What stands in the way of the code, if anything."""
        token = secrets.token_hex(16)
        steps = [
            # The code before may have closed or replaced it. (`builtin exec` would take it back.)
            "exec 1>>" + place_of(1),
            _AFTER_INTERRUPT,
            "builtin trap %s INT" % quote(_ON_INTERRUPT),
            "__ci_status=0",
        ]
        if request.get("fileBytes") is not None:
            steps.append("builtin trap : XFSZ")
        if not self._base_done:
            for name, value in (request.get("baseEnv") or {}).items():
                steps.append("builtin export %s=%s" % (name, quote(value)))
            steps.extend(_change_directory(request.get("baseCwd")))
        for name, value in (request.get("env") or {}).items():
            steps.append("__ci_had_%s=${%s+x} __ci_old_%s=${%s-}" % (name, name, name, name))
            steps.append(_export(name, quote(value)))
        if request.get("cwd") is not None:
            steps.append("__ci_pwd=$PWD")
            steps.extend(_change_directory(request["cwd"]))
        steps.append(self._shell.answer(token, "$__ci_status"))
        if self._shell.ask(token, [_guarded(steps)]) == 0:
            self._base_done = True
            return None
        wanted = request.get("cwd") or request.get("baseCwd")
        return ("DirectoryNotFound", "the working directory %s cannot be entered" % json.dumps(wanted))

    def _execute(self, request, skipped):
        token = secrets.token_hex(16)
        code = _memory_file("code", "" if skipped else request["code"])
        live = None
        if request.get("keepStdinOpen"):
            live = LiveStdin(self._channels.requests, self._channels.held, request["barrier"])
        stdin = live.reader if live else _memory_file("stdin", request.get("stdin") or "")
        try:
            # `source`, and not `eval` in a function: what the code declares must be global. Behind `builtin`,
            # `||` takes `set -e` from its status only, not from the code.
            source = "__ci_status=0; builtin source %s 0<%s 2>>%s || __ci_status=$?" % (
                place_of(code),
                place_of(stdin),
                place_of(2),
            )
            leave = [_AFTER_INTERRUPT, *_restore(request)]
            leave.append(self._shell.answer(token, "$__ci_status"))
            status = self._shell.ask(token, [source, _guarded(leave)], live)
            return 1 if skipped else status
        finally:
            os.close(code)
            if live:
                self._channels.held = live.close()
            else:
                os.close(stdin)


def _guarded(commands):
    """On one line, whose failures are none of the `set -e` or the ERR trap of the code."""
    return "{ %s; } || builtin :" % "; ".join(commands)


def _export(name, word):
    """A variable that the code made read-only, or of integers, can end the shell: a copy of it tries first."""
    return "[[ ${%s+${%s@a}} != *[ir]* ]] || ( builtin export %s=%s ) && builtin export %s=%s" % (
        name,
        name,
        name,
        word,
        name,
        word,
    )


def _restore(request):
    for name, value in (request.get("env") or {}).items():
        # A value that the code set itself is its own and stays.
        yield (
            "if [[ ${%s-} == %s ]]; then if [[ -n $__ci_had_%s ]]; then %s;"
            " else builtin unset %s; fi; fi; builtin unset __ci_had_%s __ci_old_%s"
        ) % (name, quote(value), name, _export(name, '"$__ci_old_%s"' % name), name, name, name)
    if request.get("fileBytes") is not None:
        yield "builtin trap - XFSZ"
    if request.get("cwd") is not None:
        yield 'builtin cd -- "$__ci_pwd"; builtin unset __ci_pwd'


def _change_directory(path):
    return [] if path is None else ["builtin cd -- %s >/dev/null || __ci_status=1" % quote(path)]


def quote(text):
    """As one word on one line."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return "$'%s'" % escaped


def die_of(number):
    """As the shell did, so that the agent tells it like any interpreter's death."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _memory_file(name, text):
    fd = os.memfd_create(name)
    write_all(fd, text.encode("utf-8", "surrogatepass"))
    return fd


def main():
    channels = Channels()
    shell = Shell()
    runs = Runs(channels, shell)
    # Before the shell is asked for anything: the first answer shows that it lives.
    token = secrets.token_hex(16)
    shell.ask(token, [shell.answer(token, "0")])
    channels.say({"type": "ready", "driver": "bash", "version": "1"})
    while True:
        end = channels.held.find(b"\n")
        if end >= 0:
            line, channels.held = channels.held[:end], channels.held[end + 1 :]
            request = json.loads(line)
            op = request.get("op")
            if op == "complete":
                runs.complete(request)
            # Else stdin of a run that ended before it had read it.
            elif op != "stdin":
                runs.run(request)
            continue
        try:
            shell.wait(channels.requests)
        except ShellEnded as ended:
            # Between two runs: the agent starts a fresh one.
            raise SystemExit(ended.code & 0xFF)
        data = read_some(channels.requests)
        if not data:
            return
        channels.held += data


main()
