"""What the axes of a figure say: labels, units, ticks, scales, and values on them as JSON. Pure."""

import datetime
import decimal
import fractions
import math
import numbers
import re
import sys

# What JSON readers keep exactly.
_INTEGER_MAX = 2**53
_TICKS = 200
_TEXT_CHARS = 1024
_UNIT = re.compile(r"(?:^|\s)\(([^()]+)\)\s*$|\[([^\[\]]+)\]\s*$")


def plain(value):
    """Dates as ISO 8601, what has no value as None, what is no JSON as its text."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if type(value).__module__ == "numpy":
        value = _of_numpy(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= _INTEGER_MAX else str(value)
    if isinstance(value, (float, decimal.Decimal, fractions.Fraction)):
        number = float(value)
        return number if math.isfinite(number) else None
    if value is None or _is_missing(value):
        return None
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if hasattr(value, "start_time"):
        # A period of pandas.
        value = value.start_time
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)


def _of_numpy(value):
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind == "M":
        # In nanoseconds, its own answer would be a number.
        return value.astype("datetime64[us]").item()
    if kind == "m":
        return value.astype("timedelta64[us]").item()
    return value.item() if hasattr(value, "item") and getattr(value, "size", 0) == 1 else None


def _is_missing(value):
    """NaT, NA and masked values are not equal to themselves, or do not say."""
    try:
        return bool(value != value)
    except Exception:
        return True


def text_or_none(text):
    return text[:_TEXT_CHARS] if text else None


def unit_of(label):
    """What stands in brackets at the end of a label."""
    found = _UNIT.search(label)
    return (found.group(1) or found.group(2)).strip() or None if found else None


class AxisFacts:
    """One axis of a chart, as it is drawn."""

    def __init__(self, axes, name):
        self._axis = getattr(axes, name + "axis")
        self._frequency = getattr(axes, "freq", None) if name == "x" else None
        self._categories = self._categories_of()
        self._dates = self._dates_of()
        self._ticks = [float(tick) for tick in self._axis.get_majorticklocs()][:_TICKS]
        self._labels = [label.get_text() for label in self._axis.get_majorticklabels()][:_TICKS]
        self.name = name
        self.label = text_or_none(self._axis.get_label_text())
        self.unit = unit_of(self.label or "")
        self.scale = self._scale()

    def label_facts(self):
        return {self.name + "_label": self.label, self.name + "_unit": self.unit}

    def tick_facts(self):
        return {
            self.name + "_ticks": [self.value(tick) for tick in self._ticks],
            self.name + "_tick_labels": [text[:_TEXT_CHARS] for text in self._labels],
            self.name + "_scale": self.scale,
        }

    def value(self, number):
        """A position on the axis as the value that was plotted there."""
        if self._categories is not None and self.scale == "categorical":
            return self._categories.get(float(number), plain(number))
        if self._dates is not None:
            try:
                return self._dates(float(number))
            except (OverflowError, ValueError):
                return None
        return plain(number)

    def drawn(self, value):
        """What was plotted, as the user gave it; seaborn makes numbers of dates and categories first."""
        if isinstance(value, numbers.Real) and (self._dates is not None or self.scale == "categorical"):
            return self.value(value)
        return plain(value)

    def label_at(self, position):
        """What a reader sees under it: the tick beside it where ticks have names, else its value."""
        if self._has_names() and self._ticks:
            nearest = min(range(len(self._ticks)), key=lambda at: abs(self._ticks[at] - position))
            if nearest < len(self._labels) and self._labels[nearest] and abs(self._ticks[nearest] - position) <= 0.5:
                return self._labels[nearest][:_TEXT_CHARS]
        value = self.value(position)
        return "%g" % value if isinstance(value, (int, float)) else str(value)

    def _has_names(self):
        if self.scale == "categorical":
            return True
        locator, formatter = self._axis.get_major_locator(), self._axis.get_major_formatter()
        given = type(formatter).__name__ in ("FixedFormatter", "FuncFormatter")
        return given and type(locator).__name__ == "FixedLocator"

    def _scale(self):
        if self._dates is not None:
            return "datetime"
        scale = self._axis.get_scale()
        if scale != "linear":
            return scale
        if self._categories is not None:
            return "categorical"
        named = bool(self._ticks) and self._ticks == [float(at) for at in range(len(self._ticks))]
        if named and any(not _says(text, tick) for text, tick in zip(self._labels, self._ticks)):
            return "categorical"
        return scale

    def _converter(self):
        get = getattr(self._axis, "get_converter", None)
        return get() if get is not None else self._axis.converter

    def _categories_of(self):
        known = getattr(self._axis.units, "_mapping", None)
        if type(self._converter()).__name__ != "StrCategoryConverter" or not known:
            return None
        return {float(number): str(text)[:_TEXT_CHARS] for text, number in known.items()}

    def _dates_of(self):
        """How a number on the axis becomes a date; None where it is none."""
        if self._frequency is not None:
            period = sys.modules["pandas"].Period
            return lambda number: period(ordinal=int(number), freq=self._frequency).start_time.isoformat()
        dates = sys.modules.get("matplotlib.dates")
        if dates is None:
            return None
        converters = (dates.DateConverter, dates.ConciseDateConverter, dates._SwitchableDateConverter)
        formatters = (dates.DateFormatter, dates.AutoDateFormatter, dates.ConciseDateFormatter)
        if not isinstance(self._converter(), converters) and not isinstance(
            self._axis.get_major_formatter(), formatters
        ):
            return None
        return lambda number: dates.num2date(number).replace(tzinfo=None).isoformat()


def _says(text, number):
    try:
        return float(text.replace("\u2212", "-")) == number
    except ValueError:
        return False
