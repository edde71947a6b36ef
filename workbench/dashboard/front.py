"""The page's scripts in one file: Voila's front end comes in a hundred, which take longer to ask for than to run."""

import gzip
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

__all__ = ["EXTENSIONS", "front_end", "write_compressed"]

EXTENSIONS = (
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
    "@bokeh/jupyter_bokeh",
    "anywidget",
)
"""Of all that is installed into JupyterLab, a page loads only these: widgets, Bokeh, and the grid's."""

_PATCHES = (
    (re.compile(r'(Control comm did not respond in time"\)+,)4e3'), r"\g<1>6e4"),
    (re.compile(r"(for\(;Date\.now\(\)-\w+<)2e3(?=.{0,200}widget model not found)"), r"\g<1>6e4"),
    (re.compile(r"_change_event\((\w+)\)\{"), r"_change_event(\g<1>){if(!\g<1>.sync)return;"),
    (re.compile(r"(?<=[{,]BokehView:)(\w+)(?=\}\}\))"), r"window.workbenchChart(\g<1>)"),
)
"""Replacements in the parts, so that a page of a busy machine comes and charts are sent one way.

A page waits four seconds for the state of its widgets, then asks for each by itself, and for ever where one has been
closed meanwhile; for a widget that it is to show it waits two seconds, and does not look again when it was busy for so
long. And jupyter_bokeh sends to the kernel whatever a chart has just been sent by it: BokehJS marks what is to be sent
by `sync`, as `bokeh.document.DocumentEvent` says. Nor does it notice what it has missed: `template/charts.js` does.
"""

_MIN_COMPRESSED_BYTES = 2048
"""Bytes below which a file is not worth compressing."""


def front_end(prefix: Path) -> str:
    """Return the parts of the front end that every page loads, joined.

    A part that is not found, as after an upgrade of Voila, is left out: the page then asks for it by itself.

    Which parts those are stands in `template/front.json`, by their numbers.

    Parameters
    ----------
    prefix : Path
        Where Jupyter's data lies, as `<venv>/share/jupyter`.

    Returns
    -------
    str
        JavaScript; each part keeps a scope of its own, as in a file of its own, and is patched where that is needed.
    """
    return "\n".join(f"(()=>{{{_patched(path.read_text(encoding='utf-8'))}\n}})();" for path in _parts(prefix))


def _patched(part: str) -> str:
    for pattern, replacement in _PATCHES:
        part = pattern.sub(replacement, part)
    return part


def _parts(prefix: Path) -> Iterator[Path]:
    listed = files("workbench.dashboard").joinpath("template", "front.json").read_text(encoding="utf-8")
    for name, numbers in json.loads(listed).items():
        if name == "voila":
            folders = [prefix / "voila" / "templates" / "base" / "static"]
        else:
            folders = [root / "labextensions" / name / "static" for root in (prefix, prefix / "voila")]
        for number in numbers:
            for folder in folders:
                yield from sorted(folder.glob(f"{number}.*js"))


def write_compressed(folder: Path) -> None:
    """Put a gzip file beside each script and stylesheet of a folder."""
    for path in [*folder.glob("*.js"), *folder.glob("*.css")]:
        content = path.read_bytes()
        if len(content) >= _MIN_COMPRESSED_BYTES:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content, 4, mtime=0))
