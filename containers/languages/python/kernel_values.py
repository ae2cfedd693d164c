"""What a run came to, as the agent is told of it: bundles, errors and ends, cut to size. Pure."""

import base64
import errno
import json

RESULT_BYTES = 16 * 1024 * 1024
RESULT_TEXT_BYTES = 256 * 1024
ERROR_CHARS = 32 * 1024


def cut(text, limit):
    text = text if isinstance(text, str) else repr(text)
    if len(text) <= limit:
        return text
    half = limit // 2
    return "%s\n… %d characters cut …\n%s" % (text[:half], len(text) - 2 * half, text[-half:])


def encode_bundle(data):
    """MIME bundle as JSON: bytes as base64; what is not JSON is left out."""
    bundle = {}
    for mime, value in data.items():
        if not isinstance(mime, str) or value is None:
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
    """Over the limit only the text form stays, with a mark."""
    size = sum(len(v) if isinstance(v, str) else len(json.dumps(v)) for v in bundle.values())
    if size <= RESULT_BYTES:
        return bundle
    text = bundle.get("text/plain")
    head = cut(text, RESULT_TEXT_BYTES) if isinstance(text, str) else ""
    return {
        "text/plain": "%s\n[the result has %d bytes, %d are allowed: only its text form is kept]"
        % (head, size, RESULT_BYTES)
    }


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
