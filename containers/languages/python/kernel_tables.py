"""The data of a table as JSON: its columns by name, as many of its first rows as fit. Pure."""

import json

from kernel_axes import plain

_CELLS = 20_000
_COLUMNS = 1_000
_BYTES = 1024 * 1024
_CELL_CHARS = 4096
_NAME_CHARS = 256


def data_of(frame):
    """None where a single row is too much."""
    columns = len(frame.columns)
    if columns > _COLUMNS:
        return None
    index = _index_levels(frame)
    rows = min(len(frame), _CELLS // max(1, columns + len(index)))
    while True:
        head = frame.iloc[:rows]
        data = {
            "columns": [
                _column(frame.columns[at], head.iloc[:, at]) for at in range(columns)
            ],
            "index": [_column(name, head.index.get_level_values(at)) for at, name in index],
            "rowCount": len(frame),
        }
        if len(json.dumps(data)) <= _BYTES:
            return data
        if rows <= 1:
            return None
        rows //= 4


def _index_levels(frame):
    """None of them where the rows are only numbered."""
    index = frame.index
    if type(index).__name__ == "RangeIndex" and index.name is None:
        return []
    return list(enumerate(index.names))


def _column(name, values):
    return {"name": _name(name), "type": str(values.dtype), "values": [_cell(v) for v in values]}


def _name(name):
    if name is None:
        return ""
    if isinstance(name, tuple):
        return " ".join(str(part) for part in name if part != "")[:_NAME_CHARS]
    return str(name)[:_NAME_CHARS]


def _cell(value):
    made = plain(value)
    return made[:_CELL_CHARS] if isinstance(made, str) else made
