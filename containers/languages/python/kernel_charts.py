"""A figure of matplotlib as a chart: what was plotted, as data. So also of pandas and seaborn.

Owns which kind of chart the artists of an axes make. Must never change the figure, nor import
matplotlib: whoever has a figure has it.
"""

import sys

from kernel_axes import AxisFacts, plain, text_or_none
from kernel_boxes import boxes_of

# Of a figure; what has more is thinned out evenly.
_POINTS = 5_000
_AXES = 64
_ELEMENTS = 2_000


def chart_of(figure):
    """None of a figure that shows nothing."""
    axes = [each for each in figure.axes if each.get_visible() and each.get_label() != "<colorbar>"]
    axes = [each for each in axes if each.axison or each.patches or each.lines or each.collections]
    if not axes:
        return None
    room = max(2, _POINTS // max(1, sum(len(each.lines) + len(each.collections) for each in axes)))
    charts = [_chart_of_axes(each, room) for each in axes[:_AXES]]
    suptitle = getattr(figure, "_suptitle", None)
    title = text_or_none(suptitle.get_text() if suptitle is not None else "")
    if len(charts) > 1:
        return {"type": "superchart", "title": title, "elements": charts}
    charts[0]["title"] = charts[0]["title"] or title
    return charts[0]


def _chart_of_axes(axes, room):
    title = axes.get_title() or axes.get_title(loc="left") or axes.get_title(loc="right")
    head = {"title": text_or_none(title)}
    if axes.name != "rectilinear":
        return {"type": "unknown", **head, "elements": []}
    slices = _pie(axes)
    if slices:
        return {"type": "pie", **head, "elements": slices}
    x, y = AxisFacts(axes, "x"), AxisFacts(axes, "y")
    head.update(x.label_facts())
    head.update(y.label_facts())
    for kind, elements in (("bar", _bars(axes, x, y)), ("box_and_whisker", boxes_of(axes, x, y))):
        if elements:
            return {"type": kind, **head, "elements": elements[:_ELEMENTS]}
    head.update(x.tick_facts())
    head.update(y.tick_facts())
    scattered = _scattered(axes, x, y, room)
    lines, dotted = _lines(axes, x, y, room)
    if not lines and not scattered:
        return {"type": "unknown", "title": head["title"], "elements": []}
    kind = "scatter" if scattered or dotted else "line"
    return {"type": kind, **head, "elements": (scattered + lines)[:_ELEMENTS]}


def _pie(axes):
    wedges = [patch for patch in axes.patches if type(patch).__name__ == "Wedge"]
    return [
        {
            "label": _label(wedge, "Slice", at),
            # Of single precision.
            "angle": plain(round(float(wedge.theta2 - wedge.theta1), 4)),
            "radius": plain(wedge.r),
        }
        for at, wedge in enumerate(wedges[:_ELEMENTS])
    ]


def _bars(axes, x, y):
    elements = []
    groups = [each for each in axes.containers if type(each).__name__ == "BarContainer"]
    for at, group in enumerate(groups):
        upright = getattr(group, "orientation", None) != "horizontal"
        for bar in group.patches[:_ELEMENTS]:
            value = plain(bar.get_height() if upright else bar.get_width())
            # seaborn leaves one behind that it only tried.
            if value is None:
                continue
            middle = bar.get_x() + bar.get_width() / 2 if upright else bar.get_y() + bar.get_height() / 2
            elements.append(
                {
                    "label": (x if upright else y).label_at(middle),
                    "group": _label(group, "Group", at),
                    "value": value,
                }
            )
    return elements


def _scattered(axes, x, y, room):
    elements = []
    for each in axes.collections:
        if type(each).__name__ != "PathCollection":
            continue
        offsets = each.get_offsets()
        # Legends bring empty ones.
        if len(offsets) == 0:
            continue
        # As plain numbers: each of an array costs many times as much.
        some = _numbers(offsets[_kept(len(offsets), room)])
        points = [[x.value(one), y.value(other)] for one, other in some]
        elements.append(_series(_label(each, "Scatter", len(elements)), points, len(offsets)))
    return elements


def _numbers(offsets):
    numpy = sys.modules["numpy"]
    return numpy.ma.filled(numpy.ma.asarray(offsets, dtype=float), numpy.nan).tolist()


def _lines(axes, x, y, room):
    """The elements, and whether all of them are points without a line."""
    elements, dotted = [], True
    names = _names_in_legend(axes)
    for line in axes.lines:
        # What crosses the whole axes, such as `axhline`, is no data; nor are the ends of error bars.
        if line.get_transform() != axes.transData or line.get_label() == "_nolegend_":
            continue
        xs, ys = _drawn(line)
        if len(xs) == 0:
            continue
        kept = _kept(len(xs), room)
        points = [[x.drawn(one), y.drawn(other)] for one, other in zip(xs[kept], ys[kept])]
        label = _label(line, "Line", len(elements))
        if str(line.get_label()).startswith("_"):
            label = names.get(_colour(line), label)
        elements.append(_series(label, points, len(xs)))
        dotted = dotted and line.get_linestyle() in ("None", "none", "", " ")
    return elements, dotted


def _names_in_legend(axes):
    """By colour: seaborn names the lines there and nowhere else; pandas shows there the areas below them."""
    legend = axes.get_legend()
    if legend is None:
        return {}
    texts = [text_or_none(text.get_text()) for text in legend.get_texts()]
    for shown in (legend.get_lines(), legend.get_patches()):
        if len(shown) == len(texts):
            return {_colour(each): text for each, text in zip(shown, texts) if text}
    return {}


def _colour(artist):
    """Without how much shines through."""
    colour = artist.get_facecolor() if hasattr(artist, "get_facecolor") else artist.get_color()
    return sys.modules["matplotlib.colors"].to_rgb(colour)


def _drawn(line):
    """Its values as the user gave them, such as dates; as numbers where they are of other lengths."""
    array = sys.modules["numpy"].ma.asarray
    xs, ys = (array(line.get_xdata(orig=True)).ravel(), array(line.get_ydata(orig=True)).ravel())
    if len(xs) == len(ys):
        return xs, ys
    return array(line.get_xdata(orig=False)), array(line.get_ydata(orig=False))


def _series(label, points, total):
    series = {"label": label, "points": points}
    if len(points) < total:
        series["total_points"] = total
    return series


def _kept(total, room):
    """Positions of those that stay: the first, the last and others evenly between them."""
    numpy = sys.modules["numpy"]
    if total <= room:
        return slice(None)
    return numpy.linspace(0, total - 1, room).astype(int)


def _label(artist, kind, at):
    """matplotlib's own names, such as `_child0`, say nothing to a reader."""
    text = str(artist.get_label() or "")
    if not text or text.startswith("_"):
        digits = text.lstrip("_abcdefghijklmnopqrstuvwxyz")
        return "%s %s" % (kind, digits if digits.isdigit() else at)
    return text_or_none(text)
