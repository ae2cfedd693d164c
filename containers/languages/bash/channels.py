"""The channels of a Bash driver to the agent, which the shell never gets: requests, frames, and the marks of order."""

import json
import os

from kernel_fds import keep_private, widen_pipes, write_all


class Channels:
    """To the agent: frames on fd 3, and before each its mark on fd 1 and 2."""

    def __init__(self):
        self.requests = keep_private(0)
        self.held = b""
        self._frames = keep_private(3)
        os.close(3)
        widen_pipes((1, 2))
        self._barrier = ""
        self._count = 0

    def begin(self, barrier):
        self._barrier = barrier
        self._count = 0
        for fd in (1, 2):
            # What the shell has started shares them, and may have changed their mode.
            os.set_blocking(fd, True)

    def say(self, message):
        write_all(self._frames, json.dumps(message).encode() + b"\n")

    def send(self, frame):
        mark = b"\x1e%s%08x\x1e" % (self._barrier.encode(), self._count)
        for fd in (1, 2):
            write_all(fd, mark)
        self.say({**frame, "barrier": self._barrier, "k": self._count})
        self._count += 1


def read_some(fd):
    try:
        return os.read(fd, 1024 * 1024)
    except BlockingIOError:
        return b""
