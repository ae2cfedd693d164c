"""A Python context on the standard library alone: the last expression is the result.

Owns how a cell is compiled, run and its error told. Must never need a package.
"""

import ast
import linecache
import os
import sys
import traceback
import types

_FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, _FOLDER)

from kernel_bounds import FORM_S, TimeBound, TookTooLong  # noqa: E402
from kernel_io import KernelIO, open_user_paths  # noqa: E402
from kernel_lazy import load  # noqa: E402
from kernel_values import exit_status, reason_of  # noqa: E402

_REPRESENTATIONS = (
    ("_repr_html_", "text/html"),
    ("_repr_markdown_", "text/markdown"),
    ("_repr_svg_", "image/svg+xml"),
    ("_repr_png_", "image/png"),
    ("_repr_jpeg_", "image/jpeg"),
    ("_repr_latex_", "text/latex"),
    ("_repr_json_", "application/json"),
)


class PlainContext:
    def __init__(self, io):
        self._io = io
        self._bound = TimeBound(io.interrupts)
        self.count = 1
        # User code is `__main__`, so that pickle and multiprocessing find what it defines.
        self._module = types.ModuleType("__main__")
        self._module.__dict__["__builtins__"] = __builtins__
        sys.modules["__main__"] = self._module

    def execute(self, code):
        filename = "<cell %d>" % self.count
        self.count += 1
        linecache.cache[filename] = (len(code), None, code.splitlines(True), filename)
        try:
            value = self._evaluate(code, filename)
            if value is not None:
                self._module.__dict__["_"] = value
                self._io.result(self._bundle_of(value), main=True)
            return True, 0, None
        except SystemExit as end:
            ok, status = exit_status(end)
            if not ok:
                self._io.error("SystemExit", str(end), "")
            return ok, status, None
        except BaseException as problem:
            self._io.interrupts.armed = False
            if isinstance(problem, MemoryError):
                self._io.free_ballast()
            self._io.error(type(problem).__name__, _text(problem), format_problem(problem))
            return False, 1, reason_of(problem)

    def _bundle_of(self, value):
        """Each form alone and within bounded time. A text that raises is the code's own error."""
        text = self._form("text/plain", repr, value)
        bundle = {"text/plain": "<%s object>" % type(value).__name__ if text is None else text}
        if isinstance(value, type):
            return bundle
        for method, mime in _REPRESENTATIONS:
            form = getattr(value, method, None)
            if callable(form):
                try:
                    data = self._form(mime, form)
                except Exception:
                    continue
                # IPython's protocol allows (data, metadata).
                bundle[mime] = data[0] if isinstance(data, tuple) and data else data
        return bundle

    def _form(self, mime, function, *args):
        try:
            return self._bound.call(FORM_S, function, *args)
        except TookTooLong:
            print("[%s is left out: it took longer than %d s]" % (mime, FORM_S), file=sys.stderr)
            return None

    def complete(self, code, cursor):
        return load("kernel_completion").complete(code, cursor, self._module.__dict__)

    def _evaluate(self, code, filename):
        tree = ast.parse(code, filename)
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
        names = self._module.__dict__
        exec(compile(tree, filename, "exec"), names)
        return None if last is None else eval(compile(last, filename, "eval"), names)


def format_problem(problem):
    """Without the frames of this driver, which say nothing about the user's code."""
    formed = traceback.TracebackException.from_exception(problem)
    _leave_out_driver(formed, isinstance(problem, SyntaxError), set())
    return "".join(formed.format()).rstrip("\n")


def _leave_out_driver(formed, syntax, seen):
    if formed is None or id(formed) in seen:
        return
    seen.add(id(formed))
    # A syntax error of the cell itself was raised by the parser, not by anything the user called.
    hidden = (_FOLDER, ast.__file__) if syntax else (_FOLDER,)
    formed.stack = traceback.StackSummary.from_list(
        [frame for frame in formed.stack if not frame.filename.startswith(hidden)]
    )
    _leave_out_driver(formed.__cause__, False, seen)
    _leave_out_driver(formed.__context__, False, seen)


def _text(problem):
    try:
        return str(problem)
    except Exception:
        return "<the error's text failed>"


def main():
    io = KernelIO("plain")
    context = PlainContext(io)
    open_user_paths()
    io.serve(context.execute, lambda: context.count, context.complete)


main()
