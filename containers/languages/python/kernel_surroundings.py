"""What a run changes of the process while it lasts: env, cwd, the largest file. All of it or nothing.

Must never take back what user code has set itself.
"""

import functools
import os

from kernel_measures import hold_file_size


class Surroundings:
    def __init__(self):
        self._base_done = False

    def enter(self, request):
        """Answers what takes it back."""
        self._enter_base(request)
        undo = []

        def restore():
            while undo:
                undo.pop()()

        try:
            if request.get("cwd") is not None:
                undo.append(functools.partial(_go_back, _working_directory()))
                os.chdir(request["cwd"])
            for name, value in (request.get("env") or {}).items():
                before = os.environ.get(name)
                os.environ[name] = value
                undo.append(functools.partial(_take_back, name, value, before))
            undo.append(hold_file_size(os.getpid(), request.get("fileBytes")))
        except BaseException:
            restore()
            raise
        return restore

    def _enter_base(self, request):
        if self._base_done:
            return
        os.environ.update(request.get("baseEnv") or {})
        if request.get("baseCwd") is not None:
            os.chdir(request["baseCwd"])
        # Not before it is so: a run that fails here leaves it to the next one.
        self._base_done = True


def _take_back(name, value, before):
    # A value that user code set itself is its own and stays.
    if os.environ.get(name) == value:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _go_back(folder):
    try:
        os.chdir(folder)
    except OSError:
        pass


def _working_directory():
    try:
        return os.getcwd()
    except OSError:
        return os.environ.get("HOME", "/")
