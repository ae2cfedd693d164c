"""The libraries of a data scientist, imported before the first cell asks for them.

They wait beside `sys.modules` and come into it at the first import that would find the same files: a file of the
user's own wins, and what a library reads of its surroundings it reads again. So nothing of it shows but the time.
Must never fail, nor say anything: what cannot be imported here is left to whoever imports it.
"""

import contextlib
import importlib
import io
import os
import shutil
import sys

from kernel_fonts import give_font_list
from kernel_lazy import load
from kernel_renewal import ONE_THREAD, renewals

# Each with the others that importing it brings, as far as they are of this list.
_LIBRARIES = (
    ("numpy", ("numpy",), ()),
    ("dateutil", ("dateutil.parser", "dateutil.rrule", "dateutil.tz", "pytz", "six"), ()),
    ("matplotlib", ("matplotlib.pyplot", "matplotlib.backends.backend_agg"), ("numpy", "dateutil")),
    ("pandas", ("pandas",), ("numpy", "dateutil")),
    ("plots of pandas", ("pandas.plotting._matplotlib",), ("matplotlib", "pandas")),
)
_PYTHON = "python"
# What IPython and this driver need for a plot or a table; they hide nothing of the user's.
_OWN = ("kernel_charts", "kernel_tables")


def preload():
    """Takes about a second, on one thread: for an interpreter that nobody waits for."""
    for name in _OWN:
        load(name)
    shelf = Shelf()
    with _unheard(), _folder_of_its_own() as folder, _environment(MPLCONFIGDIR=folder, **ONE_THREAD):
        for library, names, needs in _LIBRARIES:
            for name in names:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
            shelf.put_away(library, needs)
        with contextlib.suppress(Exception):
            _draw()
        shelf.put_away("matplotlib", ())
        shelf.take_out()


class Shelf:
    """Modules by the name of their package, the first part of theirs; and the finder that hands them over."""

    def __init__(self):
        self._known = {_package_of(name) for name in sys.modules}
        self._packages = {}
        self._library_of = {}
        self._needs = {_PYTHON: ()}
        self._handed = set()
        self._renewals = {}

    def put_away(self, library, needs):
        """Notes what was imported since; it stays in `sys.modules` for the others until `take_out`."""
        self._needs.setdefault(library, needs)
        for name, module in list(sys.modules.items()):
            package = _package_of(name)
            if package not in self._known:
                # What Python brings itself comes with any of them, and brings none of them.
                own = package in getattr(sys, "stdlib_module_names", ())
                self._library_of.setdefault(package, _PYTHON if own else library)
                self._packages.setdefault(package, {})[name] = module

    def take_out(self):
        with contextlib.suppress(Exception):
            self._renewals = renewals()
        for modules in self._packages.values():
            for name in modules:
                sys.modules.pop(name, None)
        sys.meta_path.insert(0, self)

    def find_spec(self, name, path=None, target=None):
        if name not in self._packages or name in self._handed or not self._is_still(name):
            return None
        spec = self._found_now(name)
        if spec is None:
            return None
        spec.loader = _HandOver(self, spec.loader)
        return spec

    def hand_over(self, package):
        """With all that importing it would bring, but for what would be another file now."""
        libraries = self._with_needs(self._library_of[package])
        others = [each for each in self._packages if self._library_of[each] in libraries]
        brought = [each for each in others if each not in sys.modules and self._is_still(each)]
        for each in [*brought, package]:
            self._handed.add(each)
            sys.modules.update(self._packages[each])
        for each in [*brought, package]:
            with contextlib.suppress(Exception):
                self._renewals.get(each, _nothing)()

    def _is_still(self, package):
        module = self._packages[package].get(package)
        if getattr(module, "__spec__", None) is None:
            # An extension made it: no finder knows of it.
            return True
        spec = self._found_now(package)
        return spec is not None and _place_of(spec) == _place_of(module.__spec__)

    def _with_needs(self, library):
        needs = [each for need in self._needs[library] for each in self._with_needs(need)]
        return {_PYTHON, library, *needs}

    def _found_now(self, name):
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, None)
                if spec is not None:
                    return spec
        return None


class _HandOver:
    """The loader of a module that is there already. For all else it is the one that its file has."""

    def __init__(self, shelf, loader):
        self._shelf = shelf
        self._loader = loader

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        # In the place of the one that was just made.
        self._shelf.hand_over(module.__name__)


def _package_of(name):
    return name.partition(".")[0]


def _place_of(spec):
    return spec.origin, list(spec.submodule_search_locations or ())


def _nothing():
    pass


@contextlib.contextmanager
def _unheard():
    with open(os.devnull, "w") as nowhere:
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            yield


@contextlib.contextmanager
def _folder_of_its_own():
    """matplotlib makes folders in the home when it is imported: the home is the user's."""
    folder = "/tmp/.preload-%s" % os.urandom(8).hex()
    os.mkdir(folder, 0o700)
    try:
        give_font_list(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _environment(**values):
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            os.environ.pop(name, None)
        os.environ.update(before)


def _draw():
    """What the first picture costs beyond the imports: the fonts, the encoder."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([1, 2], label="a")
    axes.legend()
    figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
