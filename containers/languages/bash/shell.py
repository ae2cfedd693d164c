"""The Bash process: how it starts, is asked and heard, and that it ended.

Must never believe it about more than what it was asked: an answer names a token that it hears of only then.
"""

import os
import select
import signal
import subprocess

from channels import read_some
from kernel_fds import write_all

_SHELL = "/bin/bash"

# On one line, so that the shell counts the lines of the code and not those of this. The shell keeps nothing
# of ours open: whatever number the code takes, also under a low `ulimit -n`, is its own. `read` would heed TMOUT.
# Nobody hears what `set -x` tells of our lines.
_LOOP = (
    "while builtin mapfile -t -n 1 -u 8 __ci_line 8<%s && [[ -v __ci_line ]]; "
    'do builtin eval "$__ci_line"; done 2>/dev/null'
)


class Interrupted(Exception):
    """The shell has not answered; it may later."""


class ShellEnded(Exception):
    def __init__(self, code):
        self.code = code


class Shell:
    """The bash process. It reads lines of ours, and answers `<token> <status>`."""

    def __init__(self):
        # Both ends of each stay open here, where the shell finds them.
        read, self._commands = os.pipe()
        self._answers, write = os.pipe()
        self._woken, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(self._woken, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # Not ignored, which a shell would inherit and could not change.
        signal.signal(signal.SIGINT, lambda *_: None)
        self._answer = "builtin printf '%%s %%s\\n' %s \"%s\" >|" + place_of(write)
        self._process = subprocess.Popen(
            [_SHELL, "--norc", "--noprofile", "-O", "expand_aliases", "-c", _LOOP % place_of(read), "bash"],
            stdin=subprocess.DEVNULL,
        )
        self._held = b""

    @property
    def pid(self):
        return self._process.pid

    def answer(self, token, status):
        """The command by which it answers."""
        return self._answer % (token, status)

    def ask(self, token, lines, live=None, patient=True):
        """Has the lines run, and feeds them meanwhile; answers the status that comes back with the token.

        At a SIGINT the lines decide when they end, where it is patient; else it is Interrupted.
        """
        write_all(self._commands, "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass"))
        while True:
            for line in self._lines():
                named, _, status = line.partition(b" ")
                if named == token.encode() and status.isdigit():
                    return int(status) & 0xFF
            self.wait(self._answers, live, patient)

    def wait(self, fd, live=None, patient=True):
        """Until there is something to read. The shell may end meanwhile."""
        while True:
            # Asked before each time: SIGCHLD wakes only once.
            code = self._process.poll()
            reads, writes = (live.reads(), live.writes()) if live else ([], [])
            most = None if code is None else 0
            ready, writable, _ = select.select([fd, self._woken, *reads], writes, [], most)
            if live:
                live.step(ready, writable)
            interrupted = self._woken in ready and signal.SIGINT in read_some(self._woken)
            if interrupted and live:
                # `read` goes on after a trap; it returns at the end.
                live.finish()
            # What it said before it ended counts first.
            if fd in ready:
                return
            if code is not None:
                raise ShellEnded(code)
            if interrupted and not patient:
                raise Interrupted

    def _lines(self):
        while True:
            end = self._held.find(b"\n")
            if end >= 0:
                line, self._held = self._held[:end], self._held[end + 1 :]
                yield line
                continue
            if not select.select([self._answers], [], [], 0)[0]:
                return
            self._held += read_some(self._answers)


def place_of(fd):
    """Where the shell opens what this process has."""
    return "/proc/%d/fd/%d" % (os.getpid(), fd)
