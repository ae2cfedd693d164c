"""A Python context with IPython's shell: MIME bundles, display, magics, `!cmd`, inline plots.

Owns how IPython's hooks become frames. Must never print, never ask the terminal, never use colours.
"""

import contextlib
import os
import subprocess
import sys
import warnings

_FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, _FOLDER)
os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")

from asyncio import CancelledError  # noqa: E402

from IPython.core.async_helpers import get_asyncio_loop  # noqa: E402
from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from IPython.utils.text import LSString, SList  # noqa: E402
from traitlets.config import Config  # noqa: E402

from kernel_display import FrameDisplayHook, FramePublisher, new_formatter  # noqa: E402
from kernel_fonts import watch_for_fonts  # noqa: E402
from kernel_io import KernelIO, open_user_paths  # noqa: E402
from kernel_lazy import load  # noqa: E402
from kernel_values import exit_status, reason_of  # noqa: E402


class KernelShell(InteractiveShell):
    displayhook_class = FrameDisplayHook
    display_pub_class = FramePublisher
    kernel_io = None
    _cancelling = False

    def init_display_formatter(self):
        self.display_formatter = new_formatter(self)

    def system(self, command):
        """`!cmd` writes to the kernel's own fd 1 and 2, where the agent hears it live."""
        command = self.var_expand(command, depth=1)
        self.user_ns["_exit_code"] = _run_child(command, subprocess.Popen.wait)

    def getoutput(self, command, split=True, depth=0):
        if command.rstrip().endswith("&"):
            raise OSError("Background processes not supported.")
        command = self.var_expand(command, depth=depth + 1)
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        output, _ = _run_child(command, subprocess.Popen.communicate, **streams)
        text = output.decode(errors="replace")
        return SList(text.splitlines()) if split else LSString(text)

    def _get_exc_info(self, exc_tuple=None):
        etype, value, trace = super()._get_exc_info(exc_tuple)
        if isinstance(value, MemoryError):
            self.kernel_io.free_ballast()
        leave_out_driver(trace)
        return etype, value, trace

    def _showtraceback(self, etype, evalue, stb):
        if issubclass(etype, SystemExit) or (self._cancelling and issubclass(etype, CancelledError)):
            return
        if self.display_formatter.making is not None:
            self.display_formatter.note(self.InteractiveTB.stb2text(stb))
            return
        self.kernel_io.error(etype.__name__, _text(evalue), self.InteractiveTB.stb2text(stb))

    def run_awaiting(self, cell):
        """IPython's own leaves what an interrupt ends to go on in the next cell."""
        loop = get_asyncio_loop()
        task = loop.create_task(cell)
        try:
            return loop.run_until_complete(task)
        except KeyboardInterrupt:
            self._cancelling = True
            try:
                task.cancel()
                with contextlib.suppress(BaseException):
                    loop.run_until_complete(task)
            finally:
                self._cancelling = False
            raise

    def enable_gui(self, gui=None):
        pass

    def ask_exit(self):
        raise SystemExit(0)


def make_shell(io):
    KernelShell.kernel_io = io
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    config.Completer.use_jedi = False
    shell = KernelShell.instance(config=config)
    shell.loop_runner = shell.run_awaiting
    warnings.filterwarnings("ignore", message="To exit: use 'exit'")
    # The first cell pays for imports of its own; it is paid here, before anyone waits.
    shell.run_cell("None", store_history=False, silent=True)
    shell.execution_count = 1
    return shell


def source_problem(code):
    """IPython meets these with a coroutine that it forgets, and a warning about our own files."""
    if "\0" in code:
        return "source code cannot contain null bytes"
    try:
        code.encode("utf-8")
    except UnicodeEncodeError as problem:
        return str(problem)
    return None


def execute(shell, code):
    io = shell.kernel_io
    problem = source_problem(code)
    if problem is not None:
        io.error("SyntaxError", problem, "SyntaxError: " + problem)
        return False, 1, None
    result = shell.run_cell(code, store_history=True)
    io.interrupts.armed = False
    if result.success:
        return True, 0, None
    problem = result.error_in_exec or result.error_before_exec
    if isinstance(problem, SystemExit):
        ok, status = exit_status(problem)
        if not ok:
            io.error("SystemExit", _text(problem), "")
        return ok, status, None
    if not io.error_reported:
        io.error(type(problem).__name__, _text(problem), "")
    return False, 1, reason_of(problem)


def complete(shell, code, cursor):
    known = shell.magics_manager.lsmagic()
    magics = ["%" + name for name in known["line"]] + ["%%" + name for name in known["cell"]]
    return load("kernel_completion").complete(code, cursor, shell.user_ns, magics)


def _run_child(command, wait, **streams):
    """IPython's own goes on with the cell at an interrupt; here one ends it."""
    child = subprocess.Popen(command, shell=True, executable=os.environ.get("SHELL"), **streams)
    try:
        return wait(child)
    except KeyboardInterrupt:
        child.kill()
        child.wait()
        raise


def leave_out_driver(trace):
    """Out of a traceback, and out of the middle of it: this driver calls handlers of user code, for one."""
    while trace is not None:
        while trace.tb_next is not None and _is_driver(trace.tb_next):
            trace.tb_next = trace.tb_next.tb_next
        trace = trace.tb_next


def _is_driver(trace):
    return trace.tb_frame.f_code.co_filename.startswith(_FOLDER)


def _text(problem):
    try:
        return str(problem)
    except Exception:
        return "<the error's text failed>"


def main():
    io = KernelIO("ipython")
    shell = make_shell(io)
    if "--preload" in sys.argv:
        # Whoever reads arguments is not to find it.
        sys.argv.remove("--preload")
        load("kernel_preload").preload(io.interrupts)
    watch_for_fonts()
    open_user_paths()
    io.serve(
        lambda code: execute(shell, code),
        lambda: shell.execution_count,
        lambda code, cursor: complete(shell, code, cursor),
    )


main()
