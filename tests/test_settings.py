import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.exceptions import SettingsError
from workbench.parameters import Preset, SeverityLevels
from workbench.settings import load_settings


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def test_without_files_the_defaults_hold(tmp_path):
    settings = load_settings(tmp_path)
    assert settings.home == tmp_path / "data/local"
    assert settings.params == settings.presets["workbench"]
    assert settings.presets["paper"] == Preset()
    assert settings.archive_path == tmp_path / "data/local/archive.zarr"


def test_later_sources_win(tmp_path, monkeypatch):
    write(tmp_path, "workbench.yaml", "seed: 1\nworkers: 1\ndashboard: {port: 1000}\nhome: base\n")
    write(tmp_path, "workbench.test.yaml", "seed: 2\nworkers: 2\n")
    monkeypatch.setenv("WORKBENCH_ENV", "test")
    monkeypatch.setenv("WORKBENCH_SEED", "3")
    monkeypatch.setenv("WORKBENCH_DASHBOARD__HOST", "::1")
    settings = load_settings(tmp_path)
    assert (settings.seed, settings.workers, settings.home) == (3, 2, tmp_path / "base")
    assert (settings.dashboard.host, settings.dashboard.port) == ("::1", 1000)
    assert load_settings(tmp_path, seed=4).seed == 4


def test_an_absolute_home_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "elsewhere"))
    assert load_settings(tmp_path / "project").home == tmp_path / "elsewhere"


def test_presets_are_added_to_the_built_in_ones(tmp_path):
    write(tmp_path, "workbench.yaml", "preset: strict\npresets: {strict: {min_decrease: 0.2}}\n")
    settings = load_settings(tmp_path)
    assert sorted(settings.presets) == ["paper", "strict", "workbench"]
    assert settings.params.min_decrease == 0.2
    assert settings.params.batch_size == 70


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeed: 1", "seeed: Extra inputs"),
        ("seed: -1", r"seed: .*\(got -1\)"),
        ("dashboard: {port: high}", "dashboard.port"),
        ("dashboard: {prot: 1}", "dashboard.prot"),
        ("presets: {mine: {z_max: 1}}", r"presets.mine: z_max \(1.0\) must be above z_min"),
        ("presets: {mine: {l_s: 1}}", "presets.mine.l_s"),
        ("presets: {mine: {forecasters: {lstm: 0}}}", "presets.mine.forecasters.lstm"),
        ("preset: mine", "preset 'mine' is not one of"),
        ("severity: {high: 99}", "severity: levels must rise"),
        ("[1, 2]", "workbench.yaml must be a mapping"),
        ("a: b: c", "workbench.yaml is not YAML"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path, text, message):
    write(tmp_path, "workbench.yaml", text)
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("WORKBENCH_SEDE", "1", "WORKBENCH_SEDE is not a setting"),
        ("WORKBENCH_SEED", "one", "seed"),
        ("WORKBENCH_PRESETS", "{", "presets"),
        ("WORKBENCH_ENV", "production", "workbench.production.yaml does not exist"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path, monkeypatch, name, value, message):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path)


def test_settings_can_go_to_another_process(tmp_path):
    settings = load_settings(tmp_path, seed=5)
    again = pickle.loads(pickle.dumps(settings))  # noqa: S301 - what multiprocessing does
    assert again == settings


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_higher_score_never_has_a_lower_level(one, other):
    order = ("info", "low", "medium", "high", "critical")
    low, high = sorted((one, other))
    levels = SeverityLevels()
    assert order.index(levels.level(low)) <= order.index(levels.level(high))
