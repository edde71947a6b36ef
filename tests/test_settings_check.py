"""Mistakes in settings and catalog are told before any work begins."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import workbench as wb
from workbench.cli import app
from workbench.exceptions import CatalogError, SettingsError
from workbench.telemetry.archive import Archive
from workbench.telemetry.catalog import Catalog

ASSETS = "assets: {XAVER: {name: Xaver, subsystems: {X: Power}}}\n"


@pytest.fixture
def cli(tiny_archive: Archive, monkeypatch: pytest.MonkeyPatch):
    """Run a command where the archive lies, with a catalog and settings of one's own."""
    home = tiny_archive.path.parent
    monkeypatch.chdir(home)
    monkeypatch.setenv("WORKBENCH_HOME", str(home))

    def run(*arguments: str, catalog: str = ASSETS, settings: str = "") -> Result:
        Path("own.yaml").write_text(catalog, encoding="utf-8")
        Path("workbench.yaml").write_text(f"catalog: own.yaml\n{settings}", encoding="utf-8")
        return CliRunner().invoke(app, list(arguments))

    return run


WRONG = {
    "not YAML": ("channels: [", "", "own.yaml is not YAML"),
    "a channel twice": (
        ASSETS + "channels:\n  X-1: {asset: XAVER}\n  X-1: {asset: XAVER, units: V}\n",
        "",
        "'X-1' is there twice",
    ),
    "a wrong key": (ASSETS + "channels: {X-1: {asset: XAVER, limit: 3}}", "", "channels.X-1.limit"),
    "limits of no channel": (
        ASSETS + "channels: {X-11: {asset: XAVER, limits: {warning_high: 1}}}",
        "",
        "channels.X-11 has limits, but the archive holds no such channel",
    ),
    "another asset": (
        "assets: {Pump: {name: Pump}}\nchannels: {X-1: {asset: Pump}}",
        "",
        "channels.X-1.asset is 'Pump', in the archive it is 'XAVER'",
    ),
    "a template of no subsystem": (ASSETS, "orders: {templates: {XAVER/Y: {hours: 2}}}", "XAVER/Y: there is no such"),
    "a template of no type": (ASSETS, "orders: {templates: {X: {type: repair}}}", "'repair' is no type of work order"),
    "a title that cannot be filled in": (
        ASSETS,
        "orders: {templates: {X: {title: 'See {place}'}}}",
        "cannot be filled",
    ),
    "a checklist without text": (ASSETS, "orders: {templates: {default: {checklist: [{kind: done}]}}}", "has no text"),
    "a part that is not known": (
        ASSETS,
        "orders: {templates: {default: {parts: {fuse: 1}}}}",
        "there is no part 'fuse'",
    ),
    "a priority": (ASSETS, "orders: {due_days: {soon: 1}}", "there is no priority 'soon'"),
    "operating hours of no asset": (ASSETS, "schedule: {operating: {Pump: ['Mon-Fri 08:00-17:00']}}", "operating.Pump"),
    "a preset of no forecaster": (ASSETS, "presets: {mine: {forecasters: {oracle: 1}}}", "no forecaster 'oracle'"),
    "a setting twice": (ASSETS, "seed: 1\nseed: 2", "'seed' is there twice"),
    "a database that is none": (ASSETS, "database_url: 'mysql://x/y'", "is not the URL of a maintenance database"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_one_line_before_anything_is_trained_or_scored(cli, monkeypatch, mistake):
    catalog, settings, words = WRONG[mistake]

    def begun(*_: object, **__: object) -> None:
        raise AssertionError("work has begun")

    monkeypatch.setattr("workbench.models.training.train_channels", begun)
    monkeypatch.setattr("workbench.fleet_scores.score_fleet", begun)
    needs_database = mistake in ("a part that is not known", "a database that is none")
    for arguments in (["run", "--no-serve"], ["score", "--all"], ["train", "--all"]):
        if needs_database and arguments[0] == "train":
            continue  # it does not open the database
        told = cli(*arguments, catalog=catalog, settings=settings)
        assert told.exit_code == 2, told.output
        (line,) = told.stderr.splitlines()[:1]
        assert line.startswith("Error: ") and words in told.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["score", "--all", "--preset", "none"], "There is no preset 'none'. Known: paper, workbench."),
        (["score", "--all", "--forecaster", "oracle"], "There is no forecaster 'oracle'. Known: "),
        (["evaluate", "--preset", "none"], "There is no preset 'none'. Known: paper, workbench."),
    ],
)
def test_a_name_that_is_none_is_told_once_and_not_for_every_channel(cli, arguments, words):
    told = cli(*arguments)
    assert told.exit_code == 2
    assert told.stderr.count(words) == 1


def test_what_is_right_passes(cli, tiny_archive):
    catalog = ASSETS + "channels: {X-1: {asset: XAVER, subsystem: X, limits: {warning_high: 3}}, X-9: {asset: XAVER}}"
    settings = "orders: {templates: {XAVER/X: {hours: 2}, X: {title: '{channel}'}, default: {}}}"
    assert cli("train", "--all", "--forecaster", "persistence", catalog=catalog, settings=settings).exit_code == 0


def test_the_products_own_catalog_describes_other_fleets_too(tiny_archive):
    assert any(channel.asset != "XAVER" for channel in Catalog.load().channels.values())
    wb.open(home=tiny_archive.path.parent).check_settings(database=True)


def test_an_empty_archive_is_compared_with_nothing(tmp_path):
    (tmp_path / "own.yaml").write_text(ASSETS + "channels: {X-1: {asset: XAVER, limits: {warning_high: 1}}}")
    wb.open(home=tmp_path, catalog=tmp_path / "own.yaml").check_settings()


def test_the_library_tells_as_early(tiny_archive):
    home = tiny_archive.path.parent
    (home / "own.yaml").write_text(ASSETS + "channels: {X-3: {asset: XAVER, limits: {warning_high: 1}}}")
    session = wb.open(home=home, catalog=home / "own.yaml")
    for begin in (session.train, session.score_all, session.evaluate):
        with pytest.raises(CatalogError, match=r"channels\.X-3 has limits"):
            begin()
    with pytest.raises(SettingsError, match="There is no preset 'none'"):
        wb.open(home=home).score_all(preset="none")
