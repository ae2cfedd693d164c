"""What a library reads of its surroundings as it is imported, read again when it is handed over later.

Owns which those are, by package.
"""

import functools
import os
import sys

from kernel_fonts import give_font_list

_THREADS = ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS")
# By the builds of it that there are.
_SET_THREADS = (
    "openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "scipy_openblas_set_num_threads64_",
    "flexiblas_set_num_threads",
)
# While libraries are loaded: threads count against what the user may have, and wait in each interpreter.
ONE_THREAD = {_THREADS[0]: "1"}


def renewals():
    """Called where the libraries were just imported; each is called when its package is handed over."""
    backend = os.environ.get("MPLBACKEND")
    matplotlib = sys.modules.get("matplotlib")
    settings = None if matplotlib is None else matplotlib.matplotlib_fname()
    return {
        "numpy": _renew_threads,
        "matplotlib": lambda: _renew_matplotlib(backend, settings),
    }


def _renew_threads():
    import ctypes

    asked = (os.environ.get(name, "") for name in _THREADS)
    number = next((int(text) for text in asked if text.isdigit() and int(text) > 0), None)
    modules = sys.modules
    core = modules.get("numpy._core._multiarray_umath") or modules["numpy.core._multiarray_umath"]
    # Through the extension that is linked with it: the library itself has many names.
    linked = ctypes.CDLL(core.__file__)
    set_threads = next(getattr(linked, name) for name in _SET_THREADS if hasattr(linked, name))
    set_threads(number or len(os.sched_getaffinity(0)))


def _renew_matplotlib(backend_before, settings_before):
    matplotlib = sys.modules["matplotlib"]
    for name in ("get_configdir", "get_cachedir"):
        # Both keep their first answer, which was a folder of the preloading.
        function = getattr(matplotlib, name).__wrapped__
        setattr(matplotlib, name, functools.lru_cache(maxsize=None)(function))
    give_font_list(matplotlib.get_cachedir())
    style = sys.modules.get("matplotlib.style.core")
    if style is not None:
        style.USER_LIBRARY_PATHS[:] = [os.path.join(matplotlib.get_configdir(), "stylelib")]
        if os.path.isdir(style.USER_LIBRARY_PATHS[0]):
            style.reload_library()
    tex = sys.modules.get("matplotlib.texmanager")
    for name in ("texcache", "_texcache"):
        if tex is not None and name in vars(tex.TexManager):
            setattr(tex.TexManager, name, os.path.join(matplotlib.get_cachedir(), "tex.cache"))
    _renew_settings(matplotlib, backend_before, settings_before)


def _renew_settings(matplotlib, backend_before, settings_before):
    settings = matplotlib.matplotlib_fname()
    backend = os.environ.get("MPLBACKEND")
    # One in the working directory has the same name wherever that is.
    changed = settings != settings_before or not os.path.isabs(settings)
    if changed:
        dict.update(matplotlib.rcParams, matplotlib.rc_params())
        dict.update(matplotlib.rcParamsOrig, matplotlib.rcParams)
    if backend:
        matplotlib.rcParams["backend"] = backend
    elif backend_before and not changed:
        matplotlib.rcParams["backend"] = dict.__getitem__(matplotlib.rcParamsDefault, "backend")
