"""`workbench lab`: its kernels work in the home of the folder it was started in, and no notebook is written over."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from typer.testing import CliRunner

from workbench import cli
from workbench.exceptions import SettingsError
from workbench.jobs import lab
from workbench.jobs.reports import notebooks_folder
from workbench.settings import inherited_environment, load_settings, settings_environment
from workbench.telemetry.archive import Archive


@pytest.fixture
def launched(tmp_path, monkeypatch):
    """The folder where the lab is started, with settings of its own."""
    for name in list(os.environ):
        if name.startswith("WORKBENCH_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "launched"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_kernel_of_the_lab_has_home_and_settings_of_the_folder_it_was_started_in(launched, tiny_archive: Archive):
    (launched / "mine").mkdir()
    tiny_archive.path.rename(launched / "mine" / "archive.zarr")
    (launched / "workbench.yaml").write_text(
        "home: mine\nseed: 5\norders: {open_from_level: null}\ntracking_uri: sqlite:///models.db\n", encoding="utf-8"
    )
    code = (
        "import workbench as wb\n"
        "session = wb.open()\n"
        "settings = session.settings\n"
        "print(settings.home, settings.seed, settings.orders.open_from_level, settings.tracking_uri)\n"
        "print(session.archive.channels())"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    client = NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(notebooks_folder())}})
    client.execute(env=inherited_environment(load_settings()))
    (output,) = notebook.cells[0].outputs
    assert output["text"].splitlines() == [
        f"{launched / 'mine'} 5 None sqlite:///{launched / 'models.db'}",
        str(Archive(launched / "mine" / "archive.zarr").channels()),
    ]
    assert "X-1" in output["text"]


def test_the_lab_is_started_with_that_environment(launched, monkeypatch):
    calls = []
    done = type("Done", (), {"returncode": 0})
    monkeypatch.setattr("subprocess.run", lambda command, **given: calls.append((command, given["env"])) or done)
    monkeypatch.setenv("WORKBENCH_ENV", "site")
    (launched / "workbench.site.yaml").write_text("seed: 7\n", encoding="utf-8")
    assert CliRunner().invoke(cli.app, ["lab"]).exit_code == 0
    ((command, environment),) = calls
    assert command[-1] == str(notebooks_folder())
    assert environment["WORKBENCH_HOME"] == str(launched / "data" / "local")
    assert environment["WORKBENCH_SEED"] == "7"
    assert "WORKBENCH_ENV" not in environment
    assert environment["PATH"] == os.environ["PATH"]


def test_a_setting_that_is_turned_off_stays_so_in_the_environment(launched, monkeypatch):
    settings = load_settings(orders={"open_from_level": None}, database_url="sqlite:///desk.db")
    for name, value in settings_environment(settings).items():
        monkeypatch.setenv(name, value)
    again = load_settings()
    assert again.orders.open_from_level is None
    assert again.database_url == f"sqlite:///{launched / 'desk.db'}"


def test_a_checkout_serves_its_own_notebooks(launched):
    assert lab.lab_folder() == (notebooks_folder(), ())
    assert list(launched.iterdir()) == []


@pytest.fixture
def installed(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "workbench"
    (package / "notebooks").mkdir(parents=True)
    for name in ("01_a.ipynb", "02_b.ipynb"):
        (package / "notebooks" / name).write_text(f"shipped {name}", encoding="utf-8")
    monkeypatch.setattr("workbench.paths.PACKAGE", package)
    monkeypatch.setattr(lab, "notebooks_folder", lambda: package / "notebooks")
    return package


def test_an_installed_workbench_copies_its_notebooks_and_never_writes_over_any(launched, installed):
    target, copied = lab.lab_folder()
    assert target == launched / "notebooks"
    assert copied == ("01_a.ipynb", "02_b.ipynb")
    (target / "01_a.ipynb").write_text("mine", encoding="utf-8")
    (target / "02_b.ipynb").unlink()
    assert lab.lab_folder() == (target, ("02_b.ipynb",))
    assert (target / "01_a.ipynb").read_text(encoding="utf-8") == "mine"
    assert (target / "02_b.ipynb").read_text(encoding="utf-8") == "shipped 02_b.ipynb"
    assert sorted(path.name for path in (installed / "notebooks").iterdir()) == ["01_a.ipynb", "02_b.ipynb"]


def test_copies_go_where_the_reader_says(launched, installed):
    target, copied = lab.lab_folder(Path("work") / "lab")
    assert (target, len(copied)) == (launched / "work" / "lab", 2)


def test_a_file_in_the_way_is_named(launched, installed):
    (launched / "notebooks").write_text("", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"cannot be copied to .*notebooks: .*--folder"):
        lab.lab_folder()
