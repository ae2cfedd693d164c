"""Charts whose libraries describe themselves in JSON: that, and a page that draws it.

The page takes the library's script from where its makers serve it; one that held the script would be
several megabytes each time. Must never import what user code has not.
"""

import importlib.util
import json
import sys
import warnings

from IPython.display import display

_PLOTLY = "plotly.io"
_RENDERER = "code_interpreter"
_VEGA_LITE = ("v3", "v4", "v5", "v6")


def register(bundles):
    """With the formatter of MIME bundles, by name; and for when plotly is imported."""
    for version in _VEGA_LITE:
        bundles.for_type_by_name("altair.vegalite.%s.api" % version, "TopLevelMixin", _altair)
    sys.meta_path.insert(0, _PlotlyImport())


def _altair(chart):
    with warnings.catch_warnings():
        # A distribution's altair may be older than its pandas: no fault of the code that runs.
        warnings.simplefilter("ignore", FutureWarning)
        spec, page = chart.to_dict(), chart.to_html()
    # Such as https://vega.github.io/schema/vega-lite/v5.8.0.json
    version = spec.get("$schema", "").rsplit("/", 1)[-1].split(".", 1)[0] or "v5"
    return {
        "application/vnd.vegalite.%s+json" % version: spec,
        "text/html": page,
        "text/plain": repr(chart),
    }


class _PlotlyImport:
    """Its own renderers ask for a package of notebooks, or send the whole library with the first figure."""

    def find_spec(self, name, path=None, target=None):
        if name != _PLOTLY:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module):
                run(module)
                _add_renderer(module)

            spec.loader.exec_module = exec_module
        return spec


def _add_renderer(io):
    class FrameRenderer(io.base_renderers.ExternalRenderer):
        def render(self, fig_dict):
            bundle = {
                "application/vnd.plotly.v1+json": json.loads(io.to_json(fig_dict, validate=False)),
                "text/html": io.to_html(fig_dict, include_plotlyjs="cdn", validate=False),
                "text/plain": "a figure of plotly: %d traces" % len(fig_dict.get("data", ())),
            }
            display(bundle, raw=True)

    io.renderers[_RENDERER] = FrameRenderer()
    io.renderers.default = _RENDERER
