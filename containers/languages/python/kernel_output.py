"""What `print` writes to: fd 1 and 2 without a buffer, a line whole. Must never keep anything back."""

import functools
import io
import sys

from kernel_fds import write_all


class LiveOutput(io.RawIOBase):
    """fd 1 or 2 without a buffer: what is printed is heard at once and in order with child processes."""

    def __init__(self, fd, name):
        self._fd = fd
        self.name = name
        self.mode = "wb"

    def writable(self):
        return True

    def close(self):
        """It is the driver's: user code that puts a stream of its own over it closes it with that one."""

    def fileno(self):
        return self._fd

    def isatty(self):
        return False

    def write(self, data):
        # A signal may end a write in the middle; the text layer above does not look at the count.
        view = memoryview(data).cast("B")
        write_all(self._fd, view)
        return len(view)


class LiveText(io.TextIOWrapper):
    """The text layer over a LiveOutput."""


def text_stream(fd, name):
    return LiveText(
        LiveOutput(fd, name), encoding="utf-8", errors="surrogateescape", newline="\n", write_through=True
    )


def is_open(stream):
    try:
        return stream is not None and not stream.closed
    except ValueError:
        # User code has detached what is under it.
        return False


def whole_line_print(original):
    """`print` hands over its text and its end apart; without a buffer other threads come in between."""

    @functools.wraps(original)
    def print(*values, sep=" ", end="\n", file=None, flush=False):
        target = sys.stdout if file is None else file
        if type(target) is not LiveText:
            return original(*values, sep=sep, end=end, file=file, flush=flush)
        line = io.StringIO()
        original(*values, sep=sep, end=end, file=line)
        target.write(line.getvalue())

    return print
