"""matplotlib's list of the fonts, which takes it 200 ms to make: the image has one for this driver to hand out.

Must never replace a list that is there, nor fail where there is none to give.
"""

import contextlib
import glob
import os
import shutil
import sys

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "matplotlib")


def give_font_list(folder):
    for source in glob.glob(os.path.join(_FOLDER, "fontlist-*.json")):
        target = os.path.join(folder, os.path.basename(source))
        try:
            if not os.path.exists(target):
                shutil.copyfile(source, target)
        except OSError:
            # It makes its own then.
            pass


def watch_for_fonts():
    sys.meta_path.insert(0, _FontListImport())


class _FontListImport:
    """Looks on as matplotlib comes to its fonts; it finds nothing itself."""

    def __init__(self):
        self._given = False

    def find_spec(self, name, path=None, target=None):
        if name == "matplotlib.font_manager" and not self._given:
            self._given = True
            # A module of the user's own may have that name.
            with contextlib.suppress(Exception):
                give_font_list(sys.modules["matplotlib"].get_cachedir())
        return None
