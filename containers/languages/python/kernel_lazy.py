"""Modules of this folder that few runs need, loaded when one does."""

import importlib
import os
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def load(name):
    """The folder is on the path for that moment only: user code has modules of its own."""
    module = sys.modules.get(name)
    if module is not None:
        return module
    sys.path.insert(0, _FOLDER)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(_FOLDER)
