"""Descriptors that a driver keeps from the code it runs. The driver of Bash uses them too."""

import fcntl
import os

_F_SETPIPE_SZ = 1031
_PIPE_BYTES = 1024 * 1024
_FIRST_PRIVATE_FD = 100


def keep_private(fd):
    """A copy that children do not inherit and that `os.close(1)` does not reach."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST_PRIVATE_FD)


def write_all(fd, data):
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            # The code may have changed the mode of what it shares with us.
            os.set_blocking(fd, True)


def widen_pipes(fds):
    """What is no pipe, or may not grow, stays as it is."""
    for fd in fds:
        try:
            fcntl.fcntl(fd, _F_SETPIPE_SZ, _PIPE_BYTES)
        except OSError:
            pass
