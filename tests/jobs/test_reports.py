"""Reports: notebooks run with parameters, and pages that need nothing but themselves."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import sync_playwright

from workbench.exceptions import ChannelNotFoundError, ReportError
from workbench.jobs import reports
from workbench.settings import Settings, load_settings
from workbench.telemetry.archive import Archive

PARAMETERS = "home = None\nchannel = 'none'\nforecaster = None\npreset = None"

FIGURE = """\
from bokeh.io import output_notebook, show
from bokeh.plotting import figure
from bokeh.resources import Resources
output_notebook(Resources(mode="inline", components=["bokeh"]), hide_banner=True)
plot = figure(height=200, name="line")
plot.line([1, 2, 3], [3, 1, 2])
show(plot)
print("channel is", channel)
"""


def write_notebook(path: Path, *sources: str, parameters: str) -> Path:
    v4 = nbformat.v4
    cells = [v4.new_markdown_cell("# What this shows"), v4.new_code_cell(parameters), *map(v4.new_code_cell, sources)]
    cells[1].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def printed(notebook: Path) -> str:
    cells = nbformat.read(notebook, as_version=4).cells
    return "".join(o["text"] for c in cells for o in c.get("outputs", []) if o["output_type"] == "stream")


def outside(page: str) -> list[str]:
    """Everything that the page would load from somewhere else."""
    tags = re.findall(r"<(?:script|img|link|iframe)\b[^>]*?(?:src|href)\s*=\s*[\"']?([^\"'>\s]+)", page)
    styles = re.findall(r"(?:@import\s+|url\()[\"']?((?:https?:)?//[^\"')]+)", page)
    return [link for link in tags + styles if not link.startswith(("data:", "#"))]


@pytest.fixture
def settings(tiny_archive: Archive, tmp_path: Path) -> Settings:
    return load_settings(tmp_path, home=tiny_archive.path.parent)


@pytest.fixture
def notebook_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small notebook where the product's own would be."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.setattr(reports, "notebooks_folder", lambda: folder)
    return write_notebook(
        folder / reports.REPORT_NOTEBOOK,
        FIGURE,
        parameters=PARAMETERS,
    )


def test_parameters_replace_the_defaults_and_the_rest_stays(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb", "print(first, second)", parameters="first = 1\nsecond = 2")
    before = notebook.read_bytes()
    output = reports.run_notebook(notebook, tmp_path / "out.ipynb", {"second": "it's"})
    assert printed(output) == "1 it's\n"
    assert notebook.read_bytes() == before


def test_the_kernel_lays_its_sockets_in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the working directory, two reports made at the same time would answer each other's pages."""
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    notebook = write_notebook(tmp_path / "a.ipynb", "import os; print(os.listdir())", parameters="n = 0")
    assert printed(reports.run_notebook(notebook, tmp_path / "out.ipynb")) == "[]\n"


def test_a_cell_that_raises_is_named_with_its_exception(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb", "1 + 1", "# the ratio\n1 / n", parameters="n = 0")
    with pytest.raises(ReportError, match=r"a\.ipynb, cell 3 \(# the ratio\): ZeroDivisionError: division by zero"):
        reports.run_notebook(notebook, tmp_path / "out.ipynb")


def test_an_unknown_parameter_is_refused_before_anything_runs(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb", "print(n)", parameters="n = 0")
    with pytest.raises(ReportError, match=r"a\.ipynb has no parameter m\. It has n\."):
        reports.run_notebook(notebook, tmp_path / "out.ipynb", {"m": 1})
    assert not (tmp_path / "out.ipynb").exists()


@pytest.mark.parametrize(
    "content", ["", "{", json.dumps({"cells": 3, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), json.dumps([1])]
)
def test_what_is_no_notebook_is_refused(content: str, tmp_path: Path) -> None:
    notebook = tmp_path / "broken.ipynb"
    notebook.write_text(content, encoding="utf-8")
    with pytest.raises(ReportError, match=r"broken\.ipynb is no notebook"):
        reports.run_notebook(notebook, tmp_path / "out.ipynb")


def test_a_missing_notebook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="There is no notebook"):
        reports.run_notebook(tmp_path / "absent.ipynb", tmp_path / "out.ipynb")


def test_report_is_one_page_that_loads_nothing_from_elsewhere(settings: Settings, notebook_in_place: Path) -> None:
    path = reports.report(settings, "X-1")
    page = path.read_text(encoding="utf-8")
    assert path == settings.reports_path / "X-1.html"
    assert "<title>Report on X-1</title>" in page
    assert "channel is X-1" in page
    assert outside(page) == []
    assert "plot.line(" not in page  # results, no code
    assert [entry.name for entry in settings.reports_path.iterdir()] == ["X-1.html"]


@pytest.mark.browser
def test_report_draws_its_figure_in_a_browser_and_asks_no_host(settings: Settings, notebook_in_place: Path) -> None:
    path = reports.report(settings, "X-1")
    with sync_playwright() as playwright:
        chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        requested: list[str] = []
        faults: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(path.as_uri())
        page.locator(".bk-Figure").wait_for(timeout=30_000)
        browser.close()
    assert [url for url in requested if not url.startswith(("file:", "data:", "blob:"))] == []
    assert faults == []


def test_a_failed_report_leaves_the_earlier_one(settings: Settings, notebook_in_place: Path) -> None:
    settings.reports_path.mkdir(parents=True)
    earlier = settings.reports_path / "X-1.html"
    earlier.write_text("earlier", encoding="utf-8")
    write_notebook(notebook_in_place, "raise ValueError(channel)", parameters=PARAMETERS)
    with pytest.raises(ReportError, match="ValueError: X-1"):
        reports.report(settings, "X-1")
    assert earlier.read_text(encoding="utf-8") == "earlier"
    assert len(list(settings.reports_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written_is_one_clear_error(settings: Settings, notebook_in_place: Path) -> None:
    settings.reports_path.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(ReportError, match=r"X-1\.html cannot be written: "):
        reports.report(settings, "X-1")


@pytest.mark.parametrize("channel", ["nope", "../../etc/passwd", ""])
def test_an_unknown_channel_is_refused_before_anything_runs(channel: str, settings: Settings) -> None:
    with pytest.raises(ChannelNotFoundError):
        reports.report(settings, channel)
    assert not settings.reports_path.exists()


@pytest.mark.slow
def test_reports_of_many_channels(settings: Settings, notebook_in_place: Path) -> None:
    pages = reports.reports(settings, ["X-2", "X-1"])
    assert {name: "channel is " + name in page.read_text(encoding="utf-8") for name, page in pages.items()} == {
        "X-2": True,
        "X-1": True,
    }


def test_the_notebooks_of_a_checkout_are_found() -> None:
    folder = reports.notebooks_folder()
    assert (folder / reports.REPORT_NOTEBOOK).is_file()


def test_outside_finds_what_a_page_would_load() -> None:
    page = '<script src="https://x/y.js"></script><style>@import url(//x/z.css)</style><img src="data:image/png,AA">'
    assert outside(page) == ["https://x/y.js", "//x/z.css"]
