"""What a run reads and writes, and the largest file that it may write. The driver of Bash uses them too."""

import os
import resource

_NAMES = {b"rchar": "readBytes", b"wchar": "writtenBytes"}


def io_counts(pid="self"):
    """Of a process with its children that have ended; empty where the system does not tell."""
    try:
        fd = os.open("/proc/%s/io" % pid, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return {}
    try:
        text = os.read(fd, 4096)
    except OSError:
        return {}
    finally:
        os.close(fd)
    pairs = (line.partition(b": ") for line in text.split(b"\n"))
    return {_NAMES[name]: int(count) for name, _, count in pairs if name in _NAMES}


def io_since(before, pid="self"):
    """As a part of what ends a run."""
    after = io_counts(pid)
    if not before or not after:
        return {}
    return {"io": {name: max(0, count - before[name]) for name, count in after.items()}}


def hold_file_size(pid, limit):
    """Answers what takes it back. Code can lift it again, up to what its sandbox allows."""
    if limit is None:
        return lambda: None
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    held = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (held, hard))

    def take_back():
        try:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
        except (OSError, ValueError):
            # It is gone, or has lowered what cannot be raised.
            pass

    return take_back
