"""The libraries of a data scientist, imported before the first cell asks for them.

They wait beside `sys.modules` and come into it at the first import that would find the same files: a file of the
user's own wins. Of what a library reads of its surroundings, `kernel_renewal` has some read again: not `PANDAS_*`
nor `NPY_*`; and a package comes with those of its parts that were loaded, so `matplotlib` with its `pyplot`.
Must never serve with half a library: where one fails to load this interpreter ends, and the bare one is kept.
"""

import contextlib
import glob
import importlib.util
import io
import os
import shutil
import sys

from kernel_fonts import give_font_list
from kernel_lazy import load
from kernel_renewal import ONE_THREAD, renewals

# Packages, each with what of it is imported and the others of this list that importing it brings.
_LIBRARIES = (
    ("numpy", ("numpy",), ()),
    ("dateutil", ("dateutil.parser", "dateutil.rrule", "dateutil.tz"), ()),
    ("matplotlib", ("matplotlib.pyplot", "matplotlib.backends.backend_agg"), ("numpy", "dateutil")),
    ("pandas", ("pandas",), ("numpy", "dateutil")),
    ("pandas", ("pandas.plotting._matplotlib",), ("matplotlib",)),
)
_FOLDERS = "/tmp/.preload-"
# What IPython and this driver need for a plot or a table; they hide nothing of the user's.
_OWN = ("kernel_charts", "kernel_tables")


def preload(hold):
    """Takes about a second, on one thread: for an interpreter that nobody waits for. `hold` keeps SIGINT waiting."""
    for name in _OWN:
        load(name)
    shelf = Shelf(hold)
    with _unheard(), _folder_of_its_own() as folder, _environment(MPLCONFIGDIR=folder, **ONE_THREAD):
        for library, names, needs in _LIBRARIES:
            if all(importlib.util.find_spec(each) for each in (library, *needs)):
                for name in names:
                    importlib.import_module(name)
            shelf.put_away(library, needs)
        with contextlib.suppress(Exception):
            _draw()
        shelf.put_away("matplotlib", ())
        shelf.take_out()


class Shelf:
    """Modules by the name of their package, the first part of theirs; and the finder that hands them over."""

    def __init__(self, hold):
        self._hold = hold
        self._known = {_package_of(name) for name in sys.modules}
        self._packages = {}
        self._library_of = {}
        self._needs = {}
        self._handed = set()
        self._renewals = {}

    def put_away(self, library, needs):
        """Notes what was imported since; it stays in `sys.modules` for the others until `take_out`."""
        self._needs.setdefault(library, needs)
        for name, module in list(sys.modules.items()):
            package = _package_of(name)
            if package not in self._known:
                self._library_of.setdefault(package, library)
                self._packages.setdefault(package, {})[name] = module

    def take_out(self):
        with contextlib.suppress(Exception):
            self._renewals = renewals()
        for modules in self._packages.values():
            for name in modules:
                sys.modules.pop(name, None)
        # What a library tried to import and could do without may have left parts of it.
        whole = {each: modules for each, modules in self._packages.items() if each in modules}
        self._packages = whole
        sys.meta_path.insert(0, self)

    def find_spec(self, name, path=None, target=None):
        if name not in self._packages or name in self._handed or not self._is_still(name):
            return None
        spec = self._found_now(name)
        if spec is None:
            return None
        spec.loader = _HandOver(self, name, spec.loader)
        return spec

    def waiting(self, package):
        return None if package in self._handed else self.module(package)

    def module(self, package):
        return self._packages[package][package]

    def hand_over(self, package):
        """A library with what importing it would bring, but for what would be another file now; all else alone."""
        try:
            # Half of it would be neither here nor there.
            with self._hold:
                self._give(package)
        except KeyboardInterrupt:
            # Python takes away what it was importing then: the next import comes for it again.
            self._handed.discard(package)
            raise

    def _give(self, package):
        libraries = self._with_needs(package) if package in self._needs else ()
        others = [each for each in self._packages if self._library_of[each] in libraries]
        for each in others:
            if each == package or each in sys.modules or not self._is_still(each):
                continue
            if self._is_found(each):
                # By an import, which waits for one that another thread has begun.
                importlib.import_module(each)
            else:
                self._put_in(each)
        self._put_in(package)

    def _put_in(self, package):
        self._handed.add(package)
        sys.modules.update(self._packages[package])
        with contextlib.suppress(Exception):
            self._renewals.get(package, _nothing)()

    def _is_found(self, package):
        """An extension makes some: no finder knows of them."""
        return getattr(self.module(package), "__spec__", None) is not None

    def _is_still(self, package):
        if not self._is_found(package):
            return True
        module = self.module(package)
        spec = self._found_now(package)
        return spec is not None and _place_of(spec) == _place_of(module.__spec__)

    def _with_needs(self, library):
        needs = [each for need in self._needs[library] for each in self._with_needs(need)]
        return {library, *needs}

    def _found_now(self, name):
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, None)
                if spec is not None:
                    return spec
        return None


class _HandOver:
    """The loader of a module that is there already. For all else it is the one that its file has."""

    def __init__(self, shelf, name, loader):
        self._shelf = shelf
        self._name = name
        self._loader = loader

    def __getattr__(self, name):
        # A copy has nothing of its own yet when it is asked for its methods.
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._shelf.waiting(self._name) or self._loader.create_module(spec)

    def exec_module(self, module):
        if module is not self._shelf.module(self._name):
            self._loader.exec_module(module)
            return
        if self._shelf.waiting(self._name) is not None:
            self._shelf.hand_over(self._name)
        # Last: while a lazy module loads, it asks for its loader again.
        module.__spec__.loader = module.__loader__ = self._loader


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
    for left in glob.glob(_FOLDERS + "*"):
        # Of one that was ended as it loaded; others may load at this moment.
        pid = left[len(_FOLDERS) :]
        if pid == str(os.getpid()) or not os.path.exists("/proc/" + pid):
            shutil.rmtree(left, ignore_errors=True)
    folder = _FOLDERS + str(os.getpid())
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
