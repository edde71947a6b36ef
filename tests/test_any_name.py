"""Names of channels in any script, with signs and of any length, from the file to every place that shows them."""

from pathlib import Path
from urllib.parse import parse_qs

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.homes import copy_of
from tests.views.look import widgets_of
from workbench.cli import app
from workbench.exceptions import SchemaError
from workbench.jobs import reports
from workbench.jobs.doctor import examine
from workbench.views.export import file_stem, report_link
from workbench.views.registry import VIEWS
from workbench.views.state import State

NAMES = [
    "轴承温度",
    "ΔP/Δt",
    "a b",
    "../etc",
    "P1:TEMP",
    "50% load",
    "x" * 150,
    "Übertemperatur <b>",
    "A+B",
    "-x",
    "_assets",
    "CON",
    "'\"&$(ls)",
]
ASSET = "泵 7/<i>"


def make_named_home(home: Path) -> None:
    """Import a table of all names, train, score and raise alerts."""
    random = np.random.default_rng(0)
    n = 4200
    table = {"time": pd.date_range("2026-01-01", periods=n, freq="min")}
    for place, name in enumerate(NAMES):
        values = np.sin(np.arange(n) / 25 + place) + random.normal(0, 0.01, n)
        values[3400:3440] += 4
        table[name] = values
    file = home.parent / f"{home.name}.csv"
    pd.DataFrame(table).to_csv(file, index=False)
    with wb.open(home=home) as session:
        session.import_data(file, asset=ASSET, train_fraction=0.3)
        session.train(forecaster="ridge")
        session.score_all()
        session.raise_alerts()
    file.unlink()


@pytest.fixture
def session(tmp_path, tmp_path_factory):
    with wb.open(home=copy_of("any-name", make_named_home, tmp_path_factory, tmp_path)) as session:
        yield session


@pytest.fixture
def cli(session, monkeypatch):
    monkeypatch.chdir(session.settings.home)
    monkeypatch.setenv("WORKBENCH_HOME", str(session.settings.home))
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_names_are_those_of_the_file_everywhere(session):
    assert set(session.channels().index) == set(NAMES)
    assert set(session.channels()["asset"]) == {ASSET}
    assert session.overview().set_index("channel")["state"].to_dict() == dict.fromkeys(NAMES, "current")
    assert set(session.models.list()["model"]) == {f"{name}.ridge/1" for name in NAMES}
    assert set(session.maintenance.alerts.list()["channel"]) == set(NAMES)
    assert len(session.fleet().children) == len(NAMES)
    assert session.fleet()["ΔP%2FΔt"]["test"].attrs["channel"] == "ΔP/Δt"


@pytest.mark.parametrize("name", ["../etc", "-x", "P1:TEMP"])
def test_a_command_of_each_name_does_what_it_says(cli, session, name):
    for arguments in (
        ("explain", "--", name),
        ("score", "--force", "--", name),
        ("train", "--force", "--", name),
        ("models", "retire", "--", f"{name}.ridge", "1"),
        ("models", "promote", "--anyway", "--", f"{name}.ridge", "1"),
    ):
        result = cli(*arguments)
        assert result.exit_code == 0, result.output
    assert session.registry.champion(name).version == 1


def test_every_hint_is_a_command_that_a_shell_understands(cli):
    advice = cli("train", "--force", *NAMES[:4]).output + cli("channels", "grow", "--", "a b", "-x").output
    assert "workbench score -- 'a b' -x" in advice


def test_doctor_finds_nothing(session):
    assert [finding for finding in examine(session, read_samples=True) if finding.state == "broken"] == []


def test_removing_takes_one_channel_and_nothing_beside_it(session):
    beside = session.settings.archive_path.parent / "etc"
    beside.mkdir()
    for name in ("../etc", "_assets", "ΔP/Δt", "轴承温度"):
        session.remove_channels([name], who="me")
    assert beside.is_dir()
    left = set(NAMES) - {"../etc", "_assets", "ΔP/Δt", "轴承温度"}
    assert set(session.channels().index) == left
    assert all(np.isfinite(session.channel(name)["telemetry"].values).all() for name in left)
    assert not session.registry.list("../etc")[0].aliases


@pytest.mark.parametrize("name", NAMES)
def test_a_link_to_a_channel_leads_back_to_it(name):
    state = State({"view": "anomalies", "asset": ASSET, "channel": name})
    assert State.parse("?" + state.query()) == state
    assert parse_qs(state.query())["channel"] == [name]
    stem = file_stem(state)
    assert "/" not in stem and len(stem.encode()) < 250


@pytest.mark.slow
@pytest.mark.parametrize("view_name", VIEWS)
def test_views_show_names_as_text_and_not_as_markup(session, view_name):
    name = "Übertemperatur <b>"
    view = session.view(view_name, channel=name, asset=ASSET)
    assert view.failure is None
    assert view.state["channel"] == name
    pieces = [made.html for made in widgets_of(view) if hasattr(made, "html")]
    pieces += [made.value for made in widgets_of(view) if isinstance(made, widgets.HTML)]
    markup = "\n".join(pieces)
    assert "temperatur <b>" not in markup and "7/<i>" not in markup
    exported = view.export_csv()
    assert exported is None or "\n-x," not in exported[1]
    view.close()


def test_a_report_lies_in_the_folder_of_reports(session, monkeypatch, tmp_path):
    monkeypatch.setattr(reports, "run_notebook", lambda notebook, output, *_, **__: output)
    monkeypatch.setattr(reports, "to_html", lambda executed, title, footer: title)
    pages = reports.reports(session.settings, NAMES)
    assert {page.parent for page in pages.values()} == {session.settings.reports_path}
    assert {page.read_text(encoding="utf-8") for page in pages.values()} == {f"Report on {name}" for name in NAMES}
    monkeypatch.setenv("SERVER_SOFTWARE", "voila")
    link = report_link(str(pages["../etc"]), "../etc")
    assert f"workbench/reports/{pages['../etc'].name}" in link


def test_the_next_month_is_added_to_the_channels_of_the_same_names(session, tmp_path):
    last = pd.Timestamp(session.channel("a b")["time"].values[-1])
    table = {"time": last + pd.to_timedelta(range(1, 11), unit="min")} | {name: np.arange(10.0) for name in NAMES}
    pd.DataFrame(table).to_csv(tmp_path / "next.csv", index=False)
    report = session.import_data(tmp_path / "next.csv", asset=ASSET)
    assert {row.channel: row.status for row in report.channels} == dict.fromkeys(NAMES, "appended")


def test_two_sites_have_the_same_names(session, tmp_path):
    table = {"time": pd.date_range("2026-01-01", periods=20, freq="min")} | {name: np.arange(20.0) for name in NAMES}
    pd.DataFrame(table).to_csv(tmp_path / "other.csv", index=False)
    report = session.import_data(tmp_path / "other.csv", asset="pump 7")
    assert [row.channel for row in report.channels] == [f"pump 7.{name}" for name in NAMES]
    assert session.channel("pump 7.轴承温度").attrs["asset"] == "pump 7"


def test_a_name_that_can_be_none_is_refused_and_says_what_would_be(session):
    train, test = session.channel("a b", "train"), session.channel("a b")
    for name, hint in {
        "x" * 201: "1 to 200",
        "a\u202eb": "Call it 'ab'",
        "a  b": "Call it 'a b'",
    }.items():
        with pytest.raises(SchemaError, match="cannot name a channel") as refused:
            session.archive.write(train.assign_attrs(channel=name), test.assign_attrs(channel=name))
        assert hint in refused.value.hint
