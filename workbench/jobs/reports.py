"""Reports: a parameterized notebook run by papermill and kept as one self-contained HTML page.

The page asks no other host for anything: nbconvert's template links RequireJS, MathJax and Mermaid from a CDN,
which are left out here; Bokeh's scripts and figures are part of the notebook's own output.
"""

import json
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from workbench.exceptions import ArchiveError, ReportError, WorkbenchError
from workbench.files import replacing
from workbench.names import path_name
from workbench.paths import product_path
from workbench.settings import Settings
from workbench.telemetry.archive import Archive
from workbench.version import __version__

__all__ = ["REPORT_NOTEBOOK", "notebooks_folder", "report", "reports", "run_notebook", "to_html"]

REPORT_NOTEBOOK = "03_score.ipynb"
"""The notebook that makes a channel's report."""

_MAX_FOLDER_LETTERS = 90
"""Letters of the folder of a kernel's sockets: the path of a socket has at most 107."""

_TEMPLATE = """\
{%- extends 'index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block extra_css -%}<style>main { max-width: 1200px; margin: auto; }</style>{%- endblock -%}
{%- block body_footer -%}<footer>{{ nb.metadata["footer"] | e }}</footer></main></body>{%- endblock -%}
"""


def notebooks_folder() -> Path:
    """Return the folder of the product's notebooks.

    Returns
    -------
    Path

    Raises
    ------
    ReportError
        The notebooks are missing: the installation is not complete.
    """
    folder = product_path("notebooks")
    if not (folder / REPORT_NOTEBOOK).is_file():
        raise ReportError(
            f"{folder / REPORT_NOTEBOOK} is missing.", "Install the workbench again, or work in a full checkout."
        )
    return folder


def run_notebook(
    notebook: Path, output: Path, parameters: dict[str, Any] | None = None, *, progress: bool = False
) -> Path:
    """Execute a notebook with parameters.

    Parameters
    ----------
    notebook : Path
        A notebook whose defaults stand in a cell tagged `parameters`.
    output : Path
        Where the executed notebook is written. After a failure it holds the cells that ran.
    parameters : dict of str to JSON value, optional
        Values that replace the defaults.
    progress : bool
        Show a bar over the cells.

    Returns
    -------
    Path
        `output`.

    Raises
    ------
    ReportError
        The notebook cannot be read, knows no such parameter, or a cell raised; the message then names the cell and
        the exception.
    """
    import papermill
    from papermill.exceptions import PapermillException, PapermillExecutionError
    from traitlets.config import Config

    _check(notebook)
    values = parameters or {}
    try:
        names = set(papermill.inspect_notebook(notebook))
        unknown = sorted(set(values) - names)
        if unknown:
            raise ReportError(
                f"{notebook.name} has no parameter {', '.join(unknown)}.",
                f"It has {', '.join(sorted(names)) or 'none'}.",
            )
        with tempfile.TemporaryDirectory(prefix="wb-") as folder:
            # Sockets, as no port that other users could reach; in a folder of their own, as those of the working
            # directory would be another notebook's too.
            kernel = {"transport": "ipc", "connection_file": f"{folder}/k.json"}
            papermill.execute_notebook(
                notebook,
                output,
                parameters=values,
                kernel_name="python3",
                cwd=Path.cwd(),
                progress_bar=progress,
                log_output=False,
                config=Config({"KernelManager": kernel if len(folder) <= _MAX_FOLDER_LETTERS else {}}),
            )
    except PapermillExecutionError as error:
        first = error.source.strip().splitlines()[0] if error.source.strip() else ""
        raise ReportError(
            f"{notebook.name}, cell {error.exec_count} ({first}): {error.ename}: {error.evalue}",
            "Run the notebook in JupyterLab to look into it.",
        ) from None
    except PapermillException as error:
        raise ReportError(
            f"{notebook.name} cannot be run: {error}", "It must be a Jupyter notebook for Python."
        ) from None
    return output


def _check(notebook: Path) -> None:
    if not notebook.is_file():
        raise ReportError(f"There is no notebook {notebook}.", "Name an existing .ipynb file.")
    try:
        content = json.loads(notebook.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not (isinstance(content, dict) and isinstance(content.get("cells"), list) and content.get("nbformat") == 4):
        raise ReportError(f"{notebook.name} is no notebook.", "It must be a Jupyter notebook of format 4.")


def to_html(notebook: Path, title: str, footer: str = "") -> str:
    """Show an executed notebook as one HTML page without its code.

    Parameters
    ----------
    notebook : Path
        An executed notebook.
    title : str
        Title of the page.
    footer : str
        Last line of the page.

    Returns
    -------
    str
        HTML that links nothing outside itself.
    """
    import nbformat
    from nbconvert import HTMLExporter

    node = nbformat.read(notebook, as_version=4)
    node.metadata |= {"title": title, "footer": footer}
    node.metadata.pop("widgets", None)
    exporter = HTMLExporter(
        raw_template=_TEMPLATE,
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        embed_images=True,
    )
    body, _ = exporter.from_notebook_node(node)
    return str(body)


def report(
    settings: Settings,
    channel: str,
    *,
    forecaster: str | None = None,
    preset: str | None = None,
    progress: bool = False,
) -> Path:
    """Write the report of one channel.

    Parameters
    ----------
    settings : Settings
        Settings that name the archive, the models and the folder of reports.
    channel : str
        A channel of the archive.
    forecaster : str, optional
        Whose champion scores the channel; the channel's champion where omitted.
    preset : str, optional
        Detection parameters; those in use where omitted.
    progress : bool
        Show a bar over the cells.

    Returns
    -------
    Path
        `<home>/reports/<channel>.html`, with the channel's `path_name`, replaced as a whole.

    Raises
    ------
    ChannelNotFoundError
        The archive holds no such channel.
    ReportError
        A cell raised, or the page cannot be written. An earlier report stays as it was.
    """
    Archive(settings.archive_path).info(channel)
    parameters = {
        "home": str(settings.home.resolve()),
        "channel": channel,
        "forecaster": forecaster,
        "preset": preset or settings.preset,
    }
    with tempfile.TemporaryDirectory(prefix="workbench-report-") as folder:
        executed = run_notebook(
            notebooks_folder() / REPORT_NOTEBOOK, Path(folder) / "report.ipynb", parameters, progress=progress
        )
        origin = f"Made {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by Telemetry workbench {__version__}."
        page = to_html(executed, f"Report on {channel}", origin)
    path = settings.reports_path / f"{path_name(channel)}.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ReportError(
            f"{path} cannot be written: {error.strerror}.", "Free space or choose another WORKBENCH_HOME."
        ) from None
    return path


def reports(
    settings: Settings,
    channels: Iterable[str],
    *,
    forecaster: str | None = None,
    preset: str | None = None,
    progress: bool = False,
) -> dict[str, Path | WorkbenchError]:
    """Write the report of each channel, one after the other; one that fails does not stop the others.

    Parameters
    ----------
    settings : Settings
        Settings that name the archive, the models and the folder of reports.
    channels : iterable of str
        Channels of the archive.
    forecaster, preset : str, optional
        As for `report`.
    progress : bool
        Show a bar over the channels.

    Returns
    -------
    dict of str to Path or WorkbenchError
        The page of each channel, or what is wrong with a channel whose report could not be made.

    Raises
    ------
    ChannelNotFoundError
        The archive holds no such channel; the pages written before stay.
    """
    pages: dict[str, Path | WorkbenchError] = {}
    for channel in tqdm(list(channels), desc="reports", unit="channel", disable=not progress):
        try:
            pages[channel] = report(settings, channel, forecaster=forecaster, preset=preset)
        except (ArchiveError, ReportError) as error:
            pages[channel] = error
    return pages
