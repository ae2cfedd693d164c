"""How values become MIME bundles in IPython: each form alone, within bounded time.

Owns the forms that IPython does not have: charts of figures, the data of tables, JSON of plain values.
Must never import what user code has not, nor let a form that fails take the others with it.
"""

import sys

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.formatters import BaseFormatter, DisplayFormatter
from traitlets import Any, ObjectName, Unicode

from kernel_bounds import FORM_S, TimeBound, TookTooLong
from kernel_lazy import load
from kernel_libraries import register
from kernel_values import CHART_MIME, DATA_MIME, cut, plain_json

_NOTE_CHARS = 4096


class ChartFormatter(BaseFormatter):
    format_type = Unicode(CHART_MIME)
    print_method = ObjectName("_repr_chart_")
    _return_type = dict

    def pop(self, typ, default=None):
        """The inline backend takes figures out of every formatter, to add its own to some."""
        return default


class DataFormatter(BaseFormatter):
    format_type = Unicode(DATA_MIME)
    print_method = ObjectName("_repr_data_")
    _return_type = dict


class FrameFormatter(DisplayFormatter):
    bound = Any()
    # The form that is being made.
    making = Any(None, allow_none=True)

    def add_forms(self):
        for kind in (ChartFormatter, DataFormatter):
            formatter = kind(parent=self)
            self.formatters[formatter.format_type] = formatter
        named = self.formatters
        named[CHART_MIME].for_type_by_name("matplotlib.figure", "Figure", _chart)
        named[DATA_MIME].for_type_by_name("pandas.core.frame", "DataFrame", _data)
        register(self.mimebundle_formatter)
        for kind in (dict, list):
            named["application/json"].for_type(kind, plain_json)

    def format(self, obj, include=None, exclude=None):
        if self._make("_ipython_display_", self.ipython_display_formatter, obj):
            return {}, {}
        own = self._make("_repr_mimebundle_", self._bundle, obj, include, exclude) or ({}, {})
        bundle, metadata = ({k: v for k, v in part.items() if _wanted(k, include, exclude)} for part in own)
        for mime, formatter in self.formatters.items():
            if not _wanted(mime, include, exclude) or (mime in bundle and not _registered(formatter, obj)):
                continue
            data = self._make(mime, formatter, obj)
            if isinstance(data, tuple) and len(data) == 2:
                data, metadata[mime] = data
            if data is not None:
                bundle[mime] = data
        if not bundle.get("text/plain") and not exclude and not include:
            bundle["text/plain"] = "<%s.%s object>" % (type(obj).__module__, type(obj).__qualname__)
        return bundle, metadata

    def _bundle(self, obj, include, exclude):
        return self.mimebundle_formatter(obj, include=include, exclude=exclude)

    def _make(self, mime, formatter, obj, *args):
        outer, self.making = self.making, mime
        try:
            # Drawing millions of points takes its time, and the picture is what the run is for; what it
            # shows, as data, is not.
            if type(obj).__module__.startswith("matplotlib.") and mime != CHART_MIME:
                return formatter(obj, *args)
            return self.bound.call(FORM_S, formatter, obj, *args)
        except TookTooLong:
            self.note("it took longer than %d s" % FORM_S)
            return None
        finally:
            self.making = outer

    def note(self, why):
        """One form is missing: no failure of the code."""
        print("[%s is left out: %s]" % (self.making, cut(why, _NOTE_CHARS)), file=sys.stderr)


class FramePublisher(DisplayPublisher):
    def publish(self, data, metadata=None, source=None, *, transient=None, update=False, **_):
        display_id = (transient or {}).get("display_id")
        main = self.shell.displayhook.take_main()
        self.shell.kernel_io.result(data, main=main, display_id=display_id, update=update)

    def clear_output(self, wait=False):
        """Output is an append-only log; there is nothing to take back."""


class FrameDisplayHook(DisplayHook):
    _main_is_due = False

    def take_main(self):
        """Whether what is published is the value of the code, which shows itself."""
        due, self._main_is_due = self._main_is_due, False
        return due

    def compute_format_data(self, result):
        self._main_is_due = _shows_itself(result)
        try:
            return super().compute_format_data(result)
        finally:
            self._main_is_due = False

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        self.shell.kernel_io.result(format_dict, main=True)

    def finish_displayhook(self):
        pass


def new_formatter(shell):
    formatter = FrameFormatter(parent=shell, bound=TimeBound(shell.kernel_io.interrupts))
    formatter.add_forms()
    return formatter


def _wanted(mime, include, exclude):
    return (not include or mime in include) and not (exclude and mime in exclude)


def _registered(formatter, obj):
    try:
        formatter.lookup(obj)
    except KeyError:
        return False
    return True


def _shows_itself(value):
    try:
        return not isinstance(value, type) and callable(getattr(value, "_ipython_display_", None))
    except Exception:
        return False


def _chart(figure):
    return load("kernel_charts").chart_of(figure)


def _data(frame):
    return load("kernel_tables").data_of(frame)
