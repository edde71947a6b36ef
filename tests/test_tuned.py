"""The preset tuned on screen: in use where nothing else is named, whole or not there."""

import pytest

from workbench.exceptions import SettingsError
from workbench.parameters import Preset
from workbench.settings import load_settings
from workbench.tuned import read_tuned, remove_tuned, tuned_path, write_tuned


def test_what_was_saved_is_in_use_until_it_is_removed(tmp_path):
    saved = Preset(z_min=4, error_buffer=50, forecasters={"ridge": 1})
    write_tuned(tmp_path, saved)
    settings = load_settings(tmp_path, home=tmp_path)
    assert (settings.preset, settings.params) == ("tuned", saved)
    assert [path.name for path in tmp_path.iterdir()] == ["tuned.yaml"]
    assert remove_tuned(tmp_path)
    assert load_settings(tmp_path, home=tmp_path).preset == "workbench"
    assert not remove_tuned(tmp_path)


@pytest.mark.parametrize("source", ["file", "variable"])
def test_a_preset_that_is_named_stays_in_use(tmp_path, monkeypatch, source):
    write_tuned(tmp_path, Preset(z_min=4))
    if source == "file":
        (tmp_path / "workbench.yaml").write_text("preset: paper\n")
    else:
        monkeypatch.setenv("WORKBENCH_PRESET", "paper")
    settings = load_settings(tmp_path, home=tmp_path)
    assert settings.preset == "paper"
    assert settings.presets["tuned"].z_min == 4


@pytest.mark.parametrize("content", ["z_min: 4\nnothing: 1\n", "z_min: [", "z_min: 20\n", "- 1\n"])
def test_a_file_that_is_no_preset_is_named(tmp_path, content):
    tuned_path(tmp_path).write_text(content)
    with pytest.raises(SettingsError, match=r"tuned\.yaml is not a preset"):
        load_settings(tmp_path, home=tmp_path)
    assert read_tuned(tmp_path / "none") is None
