"""What a run came to, as the agent is told of it: bundles, errors and ends, cut to size. Pure."""

import base64
import errno
import json
import math

TEXT_MIME = "text/plain"
CHART_MIME = "application/vnd.code-interpreter.chart+json"
DATA_MIME = "application/vnd.code-interpreter.data+json"

# The agent refuses what is longer.
_MIME_CHARS = 128
RESULT_BYTES = 16 * 1024 * 1024
RESULT_TEXT_CHARS = 256 * 1024
ERROR_CHARS = 32 * 1024
# Of all forms; the agent refuses a frame of more than 50,000, or 64 deep.
_PARTS = 45_000
_DEPTH = 56
_PLAIN_PARTS = 10_000
_PLAIN_CHARS = 256 * 1024
_PLAIN_DEPTH = 40
_INTEGER_MAX = 2**53


def cut(text, limit):
    text = text if isinstance(text, str) else repr(text)
    if len(text) <= limit:
        return text
    half = limit // 2
    return "%s\n… %d characters cut …\n%s" % (text[:half], len(text) - 2 * half, text[-half:])


def encode_bundle(data):
    """MIME bundle as JSON: bytes as base64; what is not JSON, or has too long a name, is left out."""
    bundle = {}
    for mime, value in data.items():
        if not isinstance(mime, str) or len(mime) > _MIME_CHARS or value is None:
            continue
        if isinstance(value, (bytes, bytearray)):
            value = base64.b64encode(value).decode()
        elif not isinstance(value, str):
            try:
                json.dumps(value, allow_nan=False)
            except (TypeError, ValueError, RecursionError):
                continue
        bundle[mime] = value
    return bundle


def bound_bundle(bundle):
    """Within what a result may be: the largest forms go first, with a mark in the text."""
    parts = {mime: _parts(value) for mime, value in bundle.items()}
    sizes = {mime: json_bytes(value) for mime, value in bundle.items() if parts[mime] <= _PARTS}
    size = sum(sizes.values())
    left_out = [mime for mime in bundle if mime not in sizes]
    while sum(sizes.values()) > RESULT_BYTES or sum(parts[mime] for mime in sizes) > _PARTS:
        by = sizes if sum(sizes.values()) > RESULT_BYTES else parts
        largest = max((mime for mime in sizes if mime != TEXT_MIME), key=by.get, default=None)
        if largest is None:
            break
        left_out.append(largest)
        del sizes[largest]
    kept = {mime: value for mime, value in bundle.items() if mime in sizes}
    if size <= RESULT_BYTES and not left_out:
        return kept
    text = kept.get(TEXT_MIME)
    text = cut(text, RESULT_TEXT_CHARS) if isinstance(text, str) else ""
    why = "%d bytes, %d are allowed" % (size, RESULT_BYTES)
    if size <= RESULT_BYTES:
        why = "more than %d values, or nested deeper than %d" % (_PARTS, _DEPTH)
    what = "%s left out" % ", ".join(left_out) if left_out else "the text is cut"
    kept[TEXT_MIME] = "%s\n[%s: the result has %s]" % (text, what, why)
    return kept


def json_bytes(value):
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _parts(value):
    """As the agent counts them, in commas and brackets; over the limit where it is nested too deep."""
    count, rest = 0, [(value, 1)]
    while rest and count <= _PARTS:
        one, depth = rest.pop()
        if not isinstance(one, (dict, list, tuple)):
            continue
        if depth > _DEPTH:
            return _PARTS + 1
        count += max(1, len(one))
        if count <= _PARTS:
            inner = one.values() if isinstance(one, dict) else one
            rest.extend((each, depth + 1) for each in inner)
    return count


def plain_json(value):
    """The value itself where JSON says all of it, and it is small; else None."""
    chars, rest = 0, [(value, 0)]
    count = 0
    while rest:
        one, depth = rest.pop()
        count += 1
        if one is None or isinstance(one, bool):
            continue
        kind = type(one)
        if kind is str:
            chars += len(one)
        elif kind is float:
            if not math.isfinite(one):
                return None
        elif kind is int:
            if abs(one) > _INTEGER_MAX:
                return None
        elif kind is dict:
            if not all(type(name) is str for name in one):
                return None
            chars += sum(len(name) for name in one)
            rest.extend((each, depth + 1) for each in one.values())
        elif kind is list:
            rest.extend((each, depth + 1) for each in one[: _PLAIN_PARTS + 1])
        else:
            return None
        if len(rest) + count > _PLAIN_PARTS or chars > _PLAIN_CHARS or depth > _PLAIN_DEPTH:
            return None
    return value


def reason_of(problem):
    """The limit behind an exception, where Python tells."""
    if isinstance(problem, MemoryError):
        return "memory"
    if isinstance(problem, OSError) and problem.errno == errno.EFBIG:
        return "file_size"
    if isinstance(problem, RuntimeError) and str(problem) == "can't start new thread":
        return "processes"
    return None


def exit_status(problem):
    """(ok, exit code) of a SystemExit: `sys.exit(0)` is a good end."""
    code = problem.code
    if code is None:
        return True, 0
    if isinstance(code, int):
        return code & 0xFF == 0, code & 0xFF
    return False, 1
