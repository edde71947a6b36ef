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

_PATIENCE = re.compile(r'(Control comm did not respond in time"\)+,)4e3')
"""How long a page waits for the state of its widgets: four seconds. Then it asks for each widget by itself, and for
ever where one has been closed meanwhile, so that a page of a busy machine never came."""

_LEAST = 2048
"""Bytes below which a file is not worth compressing."""


def front_end(prefix: Path) -> str:
    """Join the parts of the front end that every page loads.

    A part that is not found, as after an upgrade of Voila, is left out: the page then asks for it by itself.

    Which parts those are stands in `template/front.json`, by their numbers.

    Parameters
    ----------
    prefix : Path
        Where Jupyter's data lies, as `<venv>/share/jupyter`.

    Returns
    -------
    str
        JavaScript; each part keeps a scope of its own, as in a file of its own. The page waits a minute for the state
        of its widgets, not four seconds.
    """
    parts = (_PATIENCE.sub(r"\g<1>6e4", path.read_text(encoding="utf-8")) for path in _parts(prefix))
    return "\n".join(f"(()=>{{{part}\n}})();" for part in parts)


def _parts(prefix: Path) -> Iterator[Path]:
    listed = files("workbench.views").joinpath("template", "front.json").read_text(encoding="utf-8")
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
        if len(content) >= _LEAST:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content, 4, mtime=0))
