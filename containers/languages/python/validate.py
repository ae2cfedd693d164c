"""Tells whether code is well formed Python, or IPython where that runs it. Must never run any of it."""

import ast
import importlib.util
import json
import re
import sys
import warnings

_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
# A magic, a command, a question, or a cell that is indented as a whole.
_OF_IPYTHON = re.compile(r"^\s*[%!?,;/]|=\s*[%!]|\?\s*$|\A\s*\n*[ \t]", re.MULTILINE)


def problem_of(code):
    try:
        compile(code, "<cell>", "exec", _FLAGS, True)
    except SyntaxError as problem:
        return problem
    except (MemoryError, RecursionError):
        return SyntaxError("the code is nested too deeply")
    except ValueError as problem:
        line = code.count("\n", 0, max(0, code.find("\0"))) + 1
        return SyntaxError(str(problem), ("<cell>", line, 1, None))
    return None


def problem_in_cell(code):
    """Only what Python refuses can be a magic, and IPython takes its time to come."""
    problem = problem_of(code)
    if problem is None or "\0" in code or not _OF_IPYTHON.search(code):
        return problem
    if importlib.util.find_spec("IPython") is None:
        return problem
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        cell = TransformerManager().transform_cell(code)
    except SyntaxError as other:
        return other
    return problem_of(cell)


def main():
    warnings.simplefilter("ignore")
    print("ready", flush=True)
    code = sys.stdin.buffer.read().decode("utf-8", "replace")
    problem = problem_in_cell(code)
    problems = []
    if problem is not None:
        problems.append(
            {
                "line": max(1, problem.lineno or 1),
                "column": max(1, problem.offset or 1),
                "message": "%s: %s" % (type(problem).__name__, problem.msg),
            }
        )
    print(json.dumps({"problems": problems}))


main()
