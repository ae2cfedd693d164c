"""What could stand at a place in Python code, from the live names of a context.

Runs no code of the user's where it can: attributes are looked up and not computed. What the names do not
know, such as an import that has not run, jedi tells from the code alone, where it is installed.
"""

import builtins
import inspect
import keyword
import os
import re
import tempfile
import types

from kernel_units import CHARS, MOST, TAIL, characters, units_of

_NAME = r"[^\W\d]\w*"
_DOTTED = re.compile(r"((?:%s\s*\.\s*)*)(%s)?$" % (_NAME, _NAME))
_MAGIC = re.compile(r"(?:^|\n)[ \t]*(%%?\w*)$")
_IMPORT = re.compile(r"(?:^|\n)[ \t]*(?:import|from)\b[^\n]*$")
_WORD = re.compile(_NAME)
_UNKNOWN = object()


def complete(code, cursor, names, magics=()):
    """As the agent is answered: positions in UTF-16 code units."""
    at = characters(code, cursor)
    before = code[:at]
    start, found = _matches(before, names, magics)
    if _IMPORT.search(before) or (not found and not _is_known(before, names)):
        start, found = _by_jedi(before, names) or (start, found)
    texts = sorted(found, key=lambda text: (text.lstrip("%").startswith("_"), text.lower(), text))
    texts = [text for text in texts if len(text) <= CHARS]
    return {
        "start": units_of(code[:start]),
        "end": units_of(before),
        "matches": [_match(text, found[text]) for text in texts[:MOST]],
        "truncated": len(texts) > MOST,
    }


def _match(text, kind):
    return {"text": text} if kind is None else {"text": text, "kind": kind}


def _matches(before, names, magics):
    """Where they begin, and the kind of each by its text."""
    magic = _MAGIC.search(before)
    if magic is not None:
        written = magic.group(1)
        return magic.start(1), {each: "function" for each in magics if each.startswith(written)}
    dotted = _DOTTED.search(before[-TAIL:])
    path = [part.strip() for part in dotted.group(1).split(".")[:-1]]
    written = dotted.group(2) or ""
    start = len(before) - len(written)
    if not path:
        # After a dot of what is no name, such as a call.
        if before[:start].rstrip().endswith("."):
            return start, {}
        return start, _names(before[:start], written, names)
    value = _value_of(path, names)
    if value is _UNKNOWN:
        return start, {}
    hidden = not written.startswith("_")
    found = (name for name in _attributes(value) if name.startswith(written))
    shown = [name for name in found if not (hidden and name.startswith("_"))]
    return start, {name: _kind(_attribute(value, name), "property") for name in shown}


def _is_known(before, names):
    """Whether it begins with a live name: then nothing but its value tells more."""
    first = _DOTTED.search(before[-TAIL:]).group(1).partition(".")[0].strip()
    return first in names or hasattr(builtins, first)


def _names(before, written, names):
    found = {name: None for name in _WORD.findall(before[-100_000:])} if written else {}
    found.update((name, "keyword") for name in keyword.kwlist)
    if written:
        found.update((name, _kind(value, "variable")) for name, value in vars(builtins).items())
    found.update(
        (name, _kind(value, "variable")) for name, value in names.items() if isinstance(name, str)
    )
    hidden = not written.startswith("_")
    return {
        name: kind
        for name, kind in found.items()
        if name.startswith(written) and name != written and not (hidden and name.startswith("_"))
    }


def _value_of(path, names):
    value = names.get(path[0], getattr(builtins, path[0], _UNKNOWN))
    for name in path[1:]:
        if value is _UNKNOWN:
            return value
        value = _attribute(value, name)
    return value


def _is(value, kinds):
    """By its type alone: `isinstance` would ask the value for its `__class__`, which can be code."""
    return issubclass(type(value), kinds)


def _attribute(value, name):
    """Unknown for one that would have to be computed."""
    if _is(value, types.ModuleType):
        return vars(value).get(name, _UNKNOWN)
    try:
        found = inspect.getattr_static(value, name)
    except Exception:
        return _UNKNOWN
    if _is(found, (staticmethod, classmethod)):
        return found.__func__
    if _is(found, (property, types.GetSetDescriptorType, types.MemberDescriptorType)):
        return _UNKNOWN
    plain = (types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType)
    return _UNKNOWN if hasattr(type(found), "__get__") and not _is(found, (type, *plain)) else found


def _attributes(value):
    """A `__dir__` of user code is not called; that of a library knows more, such as columns."""
    own = type(value)
    teller = inspect.getattr_static(own, "__dir__", None)
    module = getattr(teller, "__module__", None)
    if module == "__main__" or own.__module__ == "__main__":
        found = set()
        for base in (value, *value.__mro__) if _is(value, type) else own.__mro__:
            found.update(type.__getattribute__(base, "__dict__"))
        if not _is(value, type):
            try:
                found.update(object.__getattribute__(value, "__dict__"))
            except AttributeError:
                pass
    else:
        try:
            found = dir(value)
        except Exception:
            found = ()
    return [name for name in found if isinstance(name, str) and name.isidentifier()]


def _kind(value, otherwise):
    if value is _UNKNOWN:
        return "property"
    if _is(value, types.ModuleType):
        return "module"
    if _is(value, type):
        return "class"
    known = (
        types.FunctionType,
        types.BuiltinFunctionType,
        types.MethodType,
        types.MethodDescriptorType,
        types.WrapperDescriptorType,
    )
    return "function" if _is(value, known) else otherwise


_KINDS = {"module": "module", "class": "class", "function": "function", "keyword": "keyword", "param": "variable"}


def _by_jedi(before, names):
    """None where it is not here, or knows nothing. It gets modules only: other values it would ask."""
    try:
        import jedi

        # Nothing of it in the workspace.
        jedi.settings.cache_directory = os.path.join(tempfile.gettempdir(), ".completion-%d" % os.getuid())
        jedi.Interpreter._allow_descriptor_getattr_default = False
        modules = {name: value for name, value in names.items() if _is(value, types.ModuleType)}
        script = jedi.Interpreter(before, [modules])
        line = before.count("\n") + 1
        found = script.complete(line, len(before) - before.rfind("\n") - 1)
    except Exception:
        return None
    if not found:
        return None
    written = len(found[0].name_with_symbols) - len(found[0].complete or "")
    kinds = {
        each.name: _KINDS.get(each.type, "variable" if each.type == "statement" else "property")
        for each in found[: 10 * MOST]
        if each.name
    }
    return len(before) - written, kinds
