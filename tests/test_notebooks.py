"""The notebooks: committed executed, parameterized, and right on channels that the demo fleet does not have.

That each comes out as committed is nbval's part (`make test`).
"""

import re
from pathlib import Path

import nbformat
import pytest

from workbench.exceptions import ReportError
from workbench.jobs.reports import report, run_notebook
from workbench.session import Session
from workbench.settings import Settings, load_settings
from workbench.telemetry.archive import Archive
from workbench.views.registry import VIEWS

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
COMMON = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def tags(cell: nbformat.NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def printed(path: Path) -> str:
    outputs = [output for cell in code_cells(path) for output in cell.outputs]
    return "".join(output["text"] for output in outputs if output.get("name") == "stdout")


@pytest.fixture
def settings(trained_home: Path) -> Settings:
    """X-1 and X-2 with a ridge model each."""
    return load_settings(trained_home, home=trained_home)


def test_there_is_one_for_each_step() -> None:
    assert [path.name for path in NOTEBOOKS] == [
        "01_explore.ipynb",
        "02_train.ipynb",
        "03_score.ipynb",
        "04_evaluate.ipynb",
        "05_leaderboard.ipynb",
        "06_views.ipynb",
    ]


@COMMON
def test_committed_as_executed_in_order_without_error_or_warning(path: Path) -> None:
    cells = code_cells(path)
    counts = {
        i: cell.execution_count for i, cell in enumerate(cells, start=1) if not {"bokehjs", "view"} & set(tags(cell))
    }
    assert list(counts.values()) == list(counts)
    outputs = [output for cell in cells for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []


@COMMON
def test_begins_with_what_it_shows_and_ends_with_what_to_do_next(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert cells[0].source.startswith("# ")
    assert cells[-1].source.startswith("## Next")


@COMMON
def test_parameters_stand_in_one_tagged_cell_and_name_a_home(path: Path) -> None:
    (cell,) = [cell for cell in code_cells(path) if "parameters" in tags(cell)]
    assert re.search(r"^home = None$", cell.source, re.MULTILINE)


@COMMON
def test_bokehjs_is_not_committed(path: Path) -> None:
    for cell in [cell for cell in code_cells(path) if {"bokehjs", "view"} & set(tags(cell))]:
        assert "output_notebook" in cell.source or "session.view(" in cell.source
        assert cell.outputs == []
    assert "widgets" not in nbformat.read(path, as_version=4).metadata
    assert path.stat().st_size < 500_000


@COMMON
def test_only_figures_timings_and_the_loading_of_bokeh_escape_the_strict_check(path: Path) -> None:
    for cell in code_cells(path):
        figure = any(words in cell.source for words in ("show(", "output_notebook", "session.view("))
        timing = "seconds" in cell.source or "session.train(" in cell.source
        if "nbval-ignore-output" in tags(cell):
            assert figure or timing, cell.source
        else:
            assert "show(" not in cell.source, cell.source


@pytest.mark.parametrize("path", NOTEBOOKS[:-1], ids=lambda path: path.stem)
def test_each_draws_figures(path: Path) -> None:
    drawn = [
        output
        for cell in code_cells(path)
        for output in cell.outputs
        if "application/javascript" in output.get("data", {})
    ]
    assert drawn


def test_the_gallery_shows_every_view() -> None:
    source = "".join(cell.source for cell in code_cells(FOLDER / "06_views.ipynb"))
    assert re.findall(r'session\.view\("(\w+)"', source) == list(VIEWS)


@pytest.mark.slow
def test_explore_describes_the_channel_that_it_is_given(settings: Settings, tmp_path: Path) -> None:
    output = run_notebook(
        FOLDER / "01_explore.ipynb", tmp_path / "o.ipynb", {"home": str(settings.home), "channel": "X-1"}
    )
    assert "2 channels, 2 of them labelled" in printed(output)
    assert "test   3,000 samples" in printed(output)
    assert re.search(r"2000 +2039 +point", printed(output))


@pytest.mark.slow
def test_train_compares_the_forecasters_that_it_is_given(settings: Settings, tmp_path: Path) -> None:
    parameters = {"home": str(settings.home), "channel": "X-1", "forecasters": ["ridge", "persistence"]}
    text = printed(run_notebook(FOLDER / "02_train.ipynb", tmp_path / "o.ipynb", parameters))
    assert "X-1.ridge/1: error on held-out windows" in text
    assert "X-1.persistence/1: error on held-out windows" in text
    assert "champion: X-1.ridge/1" in text


def test_score_finds_the_labelled_anomaly(settings: Settings, tmp_path: Path) -> None:
    output = run_notebook(
        FOLDER / "03_score.ipynb", tmp_path / "o.ipynb", {"home": str(settings.home), "channel": "X-1"}
    )
    assert "model      X-1.ridge/1, preset workbench" in printed(output)
    assert "point at 2000-2039: found" in printed(output)


def test_score_says_that_there_is_nothing_where_there_is_nothing(settings: Settings, tmp_path: Path) -> None:
    found = Session(settings).anomalies("X-2")
    output = run_notebook(
        FOLDER / "03_score.ipynb", tmp_path / "o.ipynb", {"home": str(settings.home), "channel": "X-2"}
    )
    assert f"anomalies  {len(found)}" in printed(output)
    assert f"0 labelled, {len(found)} false alarms" in printed(output)


def test_score_knows_an_unlabelled_channel(settings: Settings, tmp_path: Path) -> None:
    archive = Archive(settings.archive_path)
    train, test = (archive.open("X-1", split).load().assign_attrs(channel="X-3") for split in ("train", "test"))
    archive.write(train, test)
    Session(settings).train(["X-3"], "persistence")
    output = run_notebook(
        FOLDER / "03_score.ipynb", tmp_path / "o.ipynb", {"home": str(settings.home), "channel": "X-3"}
    )
    assert "no labels are known for this channel" in printed(output)


@pytest.mark.slow
def test_evaluate_judges_the_forecaster_that_it_is_given(settings: Settings, tmp_path: Path) -> None:
    Session(settings).train(["X-1", "X-2"], "persistence")
    parameters = {"home": str(settings.home), "forecaster": "persistence"}
    text = printed(run_notebook(FOLDER / "04_evaluate.ipynb", tmp_path / "o.ipynb", parameters))
    expected = Session(settings).evaluate(forecaster="persistence").rows.round(3).to_string(index=False)
    assert expected in text
    assert "flag the middle half" in text


def test_report_of_a_channel_without_a_model_says_how_to_train_one(tiny_archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"ModelNotFoundError: .*workbench train"):
        report(load_settings(tmp_path, home=tmp_path), "X-1")


def test_report_shows_the_numbers_that_the_session_gives(settings: Settings) -> None:
    page = report(settings, "X-1").read_text(encoding="utf-8")
    anomaly = Session(settings).anomalies("X-1").iloc[0]
    assert "<title>Report on X-1</title>" in page
    assert re.search(rf"{anomaly['start']} +{anomaly['end']} +{anomaly['severity']:.4g}0* +{anomaly['level']}", page)
