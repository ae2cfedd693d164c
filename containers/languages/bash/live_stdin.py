"""What a run reads on fd 0 while more may come: a pipe, filled from the agent's channel.

Owns the pipe, and the channel for as long as the run lasts. Must never take more from the channel than
the code reads, nor wait by itself: whoever waits for the shell asks what else to wait for.
"""

import json
import os

_READ_BYTES = 64 * 1024


class LiveStdin:
    def __init__(self, requests, held, barrier):
        self.held = held
        self._requests = requests
        self._barrier = barrier
        # The read end stays open here, so that nobody is ended for writing.
        self.reader, self._pipe = os.pipe()
        os.set_blocking(self._pipe, False)
        self._pending = memoryview(b"")
        self._last = False
        self._open = True
        self._advance()

    def reads(self):
        return [self._requests] if self._open and not self._pending else []

    def writes(self):
        return [self._pipe] if self._pending else []

    def step(self, readable, writable):
        if self._pending and self._pipe in writable:
            self._write()
        elif self._open and self._requests in readable:
            self._read()
        self._advance()

    def finish(self):
        """The code meets the end of it."""
        if self._open:
            self._open = False
            self._pending = memoryview(b"")
            os.close(self._pipe)

    def close(self):
        """Answers what was read of the channel and is not for this run."""
        self.finish()
        os.close(self.reader)
        return self.held

    def _write(self):
        try:
            self._pending = self._pending[os.write(self._pipe, self._pending) :]
        except BlockingIOError:
            pass

    def _read(self):
        try:
            data = os.read(self._requests, _READ_BYTES)
        except BlockingIOError:
            return
        self.held += data
        if not data:
            # The agent has gone.
            self.finish()

    def _advance(self):
        while self._open and not self._pending:
            if self._last:
                self.finish()
                return
            line, end, rest = self.held.partition(b"\n")
            if not end:
                return
            self.held = rest
            frame = json.loads(line)
            if frame.get("op") == "stdin" and frame.get("barrier") == self._barrier:
                self._pending = memoryview(frame["text"].encode("utf-8", "surrogatepass"))
                self._last = frame["close"]
