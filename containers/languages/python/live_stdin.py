"""What a run reads on fd 0 while more may come: a pipe, filled by a thread from the agent's channel.

Owns the pipe and the thread, and the channel for as long as the run lasts. Must never take more from
the channel than the code reads, nor keep the driver waiting once the code has ended.
"""

import _thread
import json
import os
import select
import signal

from kernel_fds import keep_private

_READ_BYTES = 64 * 1024
_STACK_BYTES = 512 * 1024
# User code may have closed what wakes the thread.
_PATIENCE_MS = 200

# The present one; it has one run.
_live = None


class LiveStdin:
    def __init__(self, requests, held, barrier):
        self._requests = requests
        self._held = held
        self._barrier = barrier
        self._pending = memoryview(b"")
        self._closing = False
        self._ended = False
        self._done = _thread.allocate_lock()
        self._done.acquire()
        self._woken, self._wake = _private_pipe()
        reader, self._pipe = _private_pipe()
        os.set_blocking(self._pipe, False)
        os.dup2(reader, 0)
        os.close(reader)

    def start(self):
        global _live
        _live = self
        # Its stack counts against the memory of the code.
        size = _thread.stack_size(_STACK_BYTES)
        try:
            _thread.start_new_thread(self._feed, ())
        except BaseException:
            self._close_pipe()
            self._done.release()
            raise
        finally:
            _thread.stack_size(size)

    def stop(self):
        """Answers what was read of the channel and is not for this run."""
        self._ended = True
        try:
            os.write(self._wake, b"\0")
        except OSError:
            pass
        self._done.acquire()
        for fd in (self._woken, self._wake):
            _close(fd)
        return self._held

    def close_in_child(self):
        """A child that is forked would keep the code from meeting the end."""
        _close(self._pipe)

    def _feed(self):
        # An interrupt is the main thread's, and a pipe that nobody reads ends nothing.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGPIPE))
        try:
            while not self._ended and not (self._closing and not self._pending):
                if self._pending:
                    self._write()
                elif not self._next_frame():
                    self._read()
        except (OSError, MemoryError):
            # User code has closed what is ours, or left no room: its stdin ends here.
            pass
        finally:
            self._close_pipe()
            self._done.release()

    def _write(self):
        if not self._wait(self._pipe, select.POLLOUT):
            return
        try:
            self._pending = self._pending[os.write(self._pipe, self._pending) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            # The code has closed its stdin.
            self._pending = memoryview(b"")

    def _next_frame(self):
        line, end, rest = self._held.partition(b"\n")
        if not end:
            return False
        self._held = rest
        frame = json.loads(line)
        if frame.get("op") == "stdin" and frame.get("barrier") == self._barrier:
            self._pending = memoryview(frame["text"].encode("utf-8", "surrogatepass"))
            self._closing = frame["close"]
        return True

    def _read(self):
        if not self._wait(self._requests, select.POLLIN):
            return
        data = os.read(self._requests, _READ_BYTES)
        if not data:
            # The agent has gone.
            self._closing = True
        self._held += data

    def _wait(self, fd, event):
        poll = select.poll()
        poll.register(fd, event)
        poll.register(self._woken, select.POLLIN)
        return any(ready == fd for ready, _ in poll.poll(_PATIENCE_MS)) and not self._ended

    def _close_pipe(self):
        global _live
        _live = None
        _close(self._pipe)


def _close_in_child():
    if _live is not None:
        _live.close_in_child()


os.register_at_fork(after_in_child=_close_in_child)


def _private_pipe():
    ends = os.pipe()
    try:
        return [keep_private(fd) for fd in ends]
    finally:
        for fd in ends:
            os.close(fd)


def _close(fd):
    try:
        os.close(fd)
    except OSError:
        pass
