"""A page follows what is written to its home: alerts, telemetry and scores, at its next look, half a second later."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from tests.homes import copy_of
from tests.test_alerting import months
from workbench.maintenance.alerts.raising import Finding
from workbench.views.shell import Shell


def make(home: Path) -> None:
    train, whole = months("2024-05-01", 900)
    with wb.open(home=home) as session:
        session.archive.write(train, whole.isel(time=slice(0, 1200)))
        session.train()
        session.score_all()


@pytest.fixture
def session(tmp_path, tmp_path_factory):
    with wb.open(home=copy_of("followed", make, tmp_path_factory, tmp_path / "home")) as opened:
        yield opened


@pytest.fixture
def shell(session):
    made = Shell(session, ["overview", "monitoring"], state={"view": "monitoring"})
    made.on_follow()
    yield made
    made.close()


def test_strips_show_what_has_come_and_overview_reads_it_when_it_is_shown(shell, session):
    view = shell.view
    before = view.scene.extent[1]
    train, whole = months("2024-05-01", 900)
    with wb.open(home=session.settings.home) as other:
        other.archive.write(train, whole)
    shell.on_follow()
    newest = pd.Timestamp(whole["time"].values[-1]).timestamp() * 1000
    assert before < view.scene.extent[1] == view.scene.range[1] == newest
    drawn = [renderer.data_source.data for renderer in view.figures()[0].renderers if renderer.name == "telemetry"]
    assert max(drawn[0]["time"]) == newest


def test_nothing_is_read_while_nothing_is_written(shell, monkeypatch):
    shell.on_follow()
    asked = []
    monkeypatch.setattr(type(shell.session.maintenance), "log_length", lambda desk: asked.append(desk) or 0)
    shell.on_follow()
    assert asked == []


def test_a_critical_alert_announces_itself_and_is_counted_until_it_is_acknowledged(shell, session):
    info, now = session.archive.info(session.archive.channels()[0]), session.clock()
    where = (info.channel, info.asset, info.subsystem, info.units, "limit", 1, 9, now - timedelta(minutes=9), now)
    finding = Finding(*where, "critical", None, 9.0, 5.0, "critical high", "It is <too> hot.", ongoing=True)
    assert shell._announcement.value == ""
    with wb.open(home=session.settings.home) as other:
        (alert,) = other.maintenance.alerts.raise_findings([], [finding]).raised
    shell.on_follow()
    assert "New critical alert." in shell._announcement.value
    assert "It is &lt;too&gt; hot." in shell._announcement.value
    assert 'data-waiting="1"' in shell._header.value
    shell.on_silence()
    shell.refresh()
    assert shell._announcement.value == ""  # once
    with wb.open(home=session.settings.home) as other:
        other.maintenance.alerts.acknowledge(alert, "Ann")
    shell.on_follow()
    assert 'data-waiting="0"' in shell._header.value
