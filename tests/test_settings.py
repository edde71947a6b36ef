import json
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.exceptions import SettingsError
from workbench.parameters import Preset, SeverityLevels
from workbench.settings import inherited_environment, load_settings, settings_environment
from workbench.telemetry.feed_options import LiveSettings
from workbench.tuned import write_tuned


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("live: {prot: 1}", "live.prot: Extra inputs"),
        ("live: {commit_ms: 0}", "live.commit_ms: "),
        ("live: {host: 0.0.0.0}", "live: host '0.0.0.0' can be reached by others and needs a token"),
        ("live: {late_s: 60, ahead_s: 30}", "live: ahead_s must not be below late_s"),
        ("live: {json_mapping: {channel: '{a'}}", "live.json_mapping.channel: write the names of fields in braces"),
        ("live: {line_mapping: {channel: '{measurement}'}}", "live.line_mapping: channel must hold {field}"),
        (
            "live: {new_channels: [{pattern: '(', asset: A}]}",
            "live.new_channels.0.pattern: it is no regular expression",
        ),
        ("live: {new_channels: [{pattern: 'a', asset: '{b}'}]}", "the pattern has no group called 'b'"),
        ("live: {mqtt: {topics: [a/#/b]}}", "live.mqtt.topics: 'a/#/b' is no topic filter"),
        ("live: {mqtt: {topics: []}}", "live.mqtt.topics: name at least one topic"),
        ("live: {mqtt: {password: x}}", "live.mqtt: a password needs a user"),
        ("live: {mqtt: {ca_file: x.pem}}", "live.mqtt: ca_file needs tls: true"),
    ],
)
def test_a_wrong_setting_of_live_telemetry_is_named(tmp_path, text, message):
    write(tmp_path, "workbench.yaml", text)
    with pytest.raises(SettingsError) as raised:
        load_settings(tmp_path)
    assert message in str(raised.value)


def test_secrets_of_live_telemetry_are_not_handed_on(tmp_path):
    mqtt = {"host": "broker", "user": "plant", "password": "secret-word"}
    settings = load_settings(tmp_path, live={"host": "0.0.0.0", "token": "secret-word", "mqtt": mqtt})
    environment = settings_environment(settings)
    assert "secret-word" not in str(environment)
    assert "secret-word" not in repr(settings)
    restored = json.loads(environment["WORKBENCH_LIVE"])
    assert restored["mqtt"]["host"] == "broker"
    assert LiveSettings.model_validate(restored).port == 8867


def test_another_process_has_the_settings_without_passwords_of_the_environment(tmp_path, monkeypatch):
    write(tmp_path, "workbench.yaml", "live: {mqtt: {host: broker, user: plant}}")
    monkeypatch.setenv("WORKBENCH_LIVE__MQTT__PASSWORD", "secret-word")
    monkeypatch.setenv("WORKBENCH_LIVE__TOKEN", "secret-word-of-sixteen")
    monkeypatch.setenv("OTHER", "kept")
    environment = inherited_environment(load_settings(tmp_path))
    assert "secret-word" not in str(environment)
    assert environment["OTHER"] == "kept"
    for name in os.environ.keys() - environment.keys():
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert load_settings(elsewhere).live.mqtt.host == "broker"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("live: {opcua: {nodes: {a: i=1, b: Pump.flow}}}", "Settings: live.opcua.nodes: b: 'Pump.flow' is no node"),
        ("live: {late_s: 7200}", "Settings: live: ahead_s must not be below late_s"),
        ("presets: {mine: {z_min: 5, z_max: 3}}", "Settings: presets.mine: z_max (3.0) must be above z_min (5.0)"),
    ],
)
def test_an_error_does_not_print_the_whole_section(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "workbench.yaml").write_text(text)
    with pytest.raises(SettingsError) as error:
        load_settings(tmp_path)
    assert str(error.value).startswith(words)
    assert "(got" not in str(error.value)


def test_the_longest_gap_holds_for_all_presets_and_the_tuned_one(tmp_path: Path) -> None:
    (tmp_path / "workbench.yaml").write_text("max_gap_seconds: 3600\npresets: {mine: {z_min: 3}}")
    settings = load_settings(tmp_path, home=tmp_path / "home")
    assert {preset.max_gap_seconds for preset in settings.presets.values()} == {3600}
    write_tuned(settings.home, settings.presets["mine"])
    tuned = load_settings(tmp_path, home=tmp_path / "home")
    assert (tuned.preset, tuned.params.z_min, tuned.params.max_gap_seconds) == ("tuned", 3, 3600)
    (tmp_path / "workbench.yaml").write_text("seed: 1")
    assert load_settings(tmp_path, home=tmp_path / "home").params.max_gap_seconds is None
    (tmp_path / "workbench.yaml").write_text("max_gap_seconds: 0")
    with pytest.raises(SettingsError, match=r"max_gap_seconds: .*greater than 0 \(got 0\)"):
        load_settings(tmp_path)
