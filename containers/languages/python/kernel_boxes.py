"""Box plots, found by their shapes: matplotlib draws them as lines and keeps no numbers. Pure.

A box is a closed path beside whose middle a whisker begins; each part is told by where it lies.
"""

_BOXES = 500
_NEAR = 1e-6
# Points of a box with a notch; one more where it is filled.
_NOTCHED = (11, 12)


class _Span:
    """Where a path lies, along the axis of the values and across it."""

    def __init__(self, vertices, upright):
        across, along = (0, 1) if upright else (1, 0)
        self.low, self.high = min(v[along] for v in vertices), max(v[along] for v in vertices)
        self.left, self.right = min(v[across] for v in vertices), max(v[across] for v in vertices)
        self.middle = (self.left + self.right) / 2
        self.values = [v[along] for v in vertices]


def boxes_of(axes, x, y):
    """Empty where the axes hold no box plot."""
    shapes = [_vertices(line) for line in axes.lines if line.get_transform() == axes.transData]
    closed = [shape for shape in shapes if len(shape) >= 5 and _same(shape[0], shape[-1])]
    closed += [_vertices(patch) for patch in axes.patches if type(patch).__name__ == "PathPatch"]
    if not closed or len(closed) > _BOXES:
        return []
    segments = [shape for shape in shapes if len(shape) == 2]
    loose = [_vertices(line) for line in axes.lines if line.get_linestyle() == "None"]
    for upright, axis in ((True, x), (False, y)):
        boxes = [_box(shape, segments, loose, upright, axis) for shape in closed if len(shape) >= 4]
        if boxes and all(box is not None for box in boxes):
            return boxes
    return []


def _box(shape, segments, loose, upright, axis):
    box = _Span(shape, upright)
    if len(shape) in _NOTCHED:
        # A notch may reach out of its box.
        box.low, box.high = sorted((box.values[0], box.values[5]))
    spans = [_Span(segment, upright) for segment in segments]
    width = box.right - box.left
    near = _NEAR * max(1.0, abs(box.middle), width)
    inside = [each for each in spans if abs(each.middle - box.middle) <= near + width / 100]
    whiskers = [each for each in inside if each.left == each.right and _touches(each, box)]
    medians = [
        each
        for each in inside
        if each.low == each.high and box.low <= each.low <= box.high and each.right > each.left
    ]
    if not whiskers or not medians:
        return None
    ends = {end for each in whiskers for end in (each.low, each.high)} - {box.low, box.high}
    ends |= {each.low for each in whiskers if each.low == each.high}
    points = [_Span(shape, upright) for shape in loose if shape]
    outliers = [v for each in points if abs(each.middle - box.middle) <= near for v in each.values]
    return {
        "label": axis.label_at(box.middle),
        "min": float(min(each.low for each in whiskers)),
        "first_quartile": float(box.low),
        # The caps of a whisker of no length lie on the box too; where the median does, it is wider.
        "median": float(max(medians, key=lambda each: (each.low not in ends, each.right - each.left)).low),
        "third_quartile": float(box.high),
        "max": float(max(each.high for each in whiskers)),
        "outliers": [float(value) for value in outliers],
    }


def _touches(whisker, box):
    near = _NEAR * max(1.0, abs(box.low), abs(box.high))
    return abs(whisker.high - box.low) <= near or abs(whisker.low - box.high) <= near


def _same(one, other):
    return one[0] == other[0] and one[1] == other[1]


def _vertices(artist):
    """Of long lines only as many as tell that they are no box."""
    vertices = artist.get_path().vertices
    return [(float(a), float(b)) for a, b in vertices[: 200 if len(vertices) < 200 else 0]]
