"""The channels between a Python driver and the agent.

Owns fd 0 (requests), fd 3 (frames), the barriers on fd 1 and 2, stdin of a run.
Must never trust that user code left anything in place: every run puts back what it needs.
Works with the standard library of Python 3.9 and later, and imports as little as it can.
"""

import builtins
import io
import json
import mmap
import os
import sys
import threading

from kernel_fds import keep_private, widen_pipes, write_all
from kernel_handlers import guard_handlers
from kernel_interrupts import Interrupts
from kernel_measures import io_counts, io_since
from kernel_output import is_open, text_stream, whole_line_print
from kernel_surroundings import Surroundings
from kernel_values import ERROR_CHARS, bound_bundle, cut, encode_bundle, reason_of
from live_stdin import LiveStdin


# Address space, not memory: given up when memory runs out, so that the end can still be told.
_BALLAST_BYTES = 24 * 1024 * 1024


class KernelIO:
    def __init__(self, driver):
        self._driver = driver
        self._pid = os.getpid()
        self._requests = keep_private(0)
        self._outputs = {1: keep_private(1), 2: keep_private(2)}
        self._frames = keep_private(3)
        os.close(3)
        self._devnull = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._set_stdin("")
        widen_pipes(self._outputs.values())
        self._held = b""
        self._live_stdin = None
        self._streams = {}
        self._lock = threading.Lock()
        self._barrier = b""
        self._count = 0
        self._surroundings = Surroundings()
        self._ballast = _new_ballast()
        self._reported = False
        self.interrupts = Interrupts()
        guard_handlers(self.interrupts)
        builtins.print = whole_line_print(builtins.print)
        self._restore_process()

    # ---- to the agent ----

    def in_kernel(self):
        """False in a process that user code forked: it holds our channels but must not speak on them."""
        return os.getpid() == self._pid

    def send(self, frame):
        """Everything written before this call is heard before the frame."""
        if not self.in_kernel():
            return
        with self.interrupts, self._lock:
            self._flush()
            frame["barrier"] = self._barrier.decode()
            frame["k"] = self._count
            line = json.dumps(frame, allow_nan=False, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
            mark = b"\x1e%s%08x\x1e" % (self._barrier, self._count)
            self._count += 1
            for fd in self._outputs.values():
                try:
                    write_all(fd, mark)
                except OSError:
                    pass
            write_all(self._frames, line)

    def result(self, data, main, display_id=None, update=False):
        if not self.in_kernel():
            text = data.get("text/plain")
            if not main and isinstance(text, str):
                print(text)
            return
        frame = {"type": "result", "main": main, "data": bound_bundle(encode_bundle(data))}
        if display_id is not None:
            frame["displayId"] = str(display_id)[:128]
        if update:
            frame["update"] = True
        self.send(frame)

    def error(self, name, value, traceback):
        self._reported = True
        self.send(
            {
                "type": "error",
                "name": str(name)[:256],
                "value": cut(value, ERROR_CHARS),
                "traceback": cut(traceback, ERROR_CHARS),
            }
        )

    @property
    def error_reported(self):
        return self._reported

    def _flush(self):
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass
        ctypes = sys.modules.get("ctypes")
        if ctypes is not None:
            # What C code printed through stdio stands in a buffer of its own.
            try:
                ctypes.CDLL(None).fflush(None)
            except Exception:
                pass

    # ---- from the agent ----

    def serve(self, execute, execution_count, complete):
        """Runs requests until the agent closes the channel. `execute(code)` answers (ok, exit_code, reason)."""
        write_all(
            self._frames,
            json.dumps(
                {"type": "ready", "driver": self._driver, "version": "%d.%d.%d" % sys.version_info[:3]}
            ).encode()
            + b"\n",
        )
        for line in self._lines():
            request = json.loads(line)
            op = request.get("op")
            if op == "complete":
                self._complete(request, complete)
            # Else of a run that ended before it had read it.
            elif op != "stdin":
                self._run(request, execute, execution_count)

    def _lines(self):
        while True:
            end = self._held.find(b"\n")
            if end >= 0:
                line, self._held = self._held[:end], self._held[end + 1 :]
                yield line
                continue
            try:
                data = os.read(self._requests, 1024 * 1024)
            except BlockingIOError:
                os.set_blocking(self._requests, True)
                continue
            if not data:
                return
            self._held += data

    def _complete(self, request, complete):
        cursor = request["cursor"]
        found = {"start": cursor, "end": cursor, "matches": [], "truncated": True}
        try:
            self._restore_process()
            self.interrupts.expect()
            self.interrupts.arm()
            found = complete(request["code"], cursor)
            self.interrupts.armed = False
        except BaseException:
            # It took too long, or something of the user's code would not be looked at.
            self.interrupts.armed = False
        if self.in_kernel():
            answer = {"type": "completions", "barrier": request["barrier"], **found}
            line = json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")
            write_all(self._frames, line + b"\n")
        else:
            os._exit(1)

    def _run(self, request, execute, execution_count):
        with self.interrupts, self._lock:
            # A thread of an earlier run may be sending.
            self._barrier = request["barrier"].encode()
            self._count = 0
        self._reported = False
        self._restore_process()
        io_before = io_counts()
        self.interrupts.expect()
        self.send({"type": "start", "executionCount": execution_count()})
        ok, exit_code, reason = False, 1, None
        restore = None
        try:
            restore = self._enter(request)
            self.interrupts.arm()
            ok, exit_code, reason = execute(request["code"])
            self.interrupts.armed = False
        except BaseException as problem:
            self.interrupts.armed = False
            self.free_ballast()
            reason = reason_of(problem)
            if self.in_kernel() and not self._reported:
                self.error(type(problem).__name__, str(problem), "")
        finally:
            if not self.in_kernel():
                # A child that user code forked came back here: its end is the end of its code.
                self._flush()
                os._exit(exit_code)
            self._end_live_stdin()
            if restore is not None:
                restore()
        done = {"type": "done", "ok": ok, "exitCode": exit_code, **io_since(io_before)}
        if reason is not None:
            done["reason"] = reason
        if self._ballast is None:
            self._ballast = _new_ballast()
        if self._ballast is None:
            # What the variables hold leaves no room for anything: the agent starts afresh.
            done["lost"] = "memory"
        self.send(done)

    def free_ballast(self):
        self._ballast = None

    # ---- the process as a run finds it ----

    def _restore_process(self):
        for fd, private in self._outputs.items():
            try:
                same = os.path.samestat(os.fstat(fd), os.fstat(private))
            except OSError:
                same = False
            if not same:
                os.dup2(private, fd)
            os.set_blocking(fd, True)
            stream = self._streams.get(fd)
            if not is_open(stream):
                stream = self._streams[fd] = text_stream(fd, "<stdout>" if fd == 1 else "<stderr>")
            name = "stdout" if fd == 1 else "stderr"
            setattr(sys, name, stream)
            setattr(sys, "__%s__" % name, stream)
        self.interrupts.install()

    def _set_stdin(self, text):
        if text:
            fd = os.memfd_create("stdin")
            write_all(fd, text.encode("utf-8", "surrogatepass"))
            os.lseek(fd, 0, os.SEEK_SET)
            os.dup2(fd, 0)
            os.close(fd)
        else:
            self._empty_stdin()
        sys.stdin = sys.__stdin__ = io.TextIOWrapper(
            io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8", errors="surrogateescape"
        )

    def _open_live_stdin(self):
        self._set_stdin("")
        live = LiveStdin(self._requests, self._held, self._barrier.decode())
        self._held = b""
        self._live_stdin = live
        live.start()

    def _end_live_stdin(self):
        live, self._live_stdin = self._live_stdin, None
        if live is not None:
            self._held = live.stop()

    def _empty_stdin(self):
        """From a descriptor that is kept: user code may have used up all others."""
        try:
            os.dup2(self._devnull, 0)
        except OSError:
            self._devnull = os.open(os.devnull, os.O_RDONLY)
            os.dup2(self._devnull, 0)

    def _enter(self, request):
        """Answers what takes back what the run finds, but for its stdin."""
        if request.get("keepStdinOpen"):
            self._open_live_stdin()
        else:
            self._set_stdin(request.get("stdin") or "")
        return self._surroundings.enter(request)


def _new_ballast():
    try:
        return mmap.mmap(-1, _BALLAST_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except (OSError, MemoryError):
        return None


def open_user_paths():
    """`import` finds the workspace and packages installed for the user, once the driver itself is loaded."""
    import site

    own = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [""] + [path for path in sys.path if path not in ("", own)]
    user_site = site.getusersitepackages()
    if os.path.isdir(user_site):
        site.addsitedir(user_site)
