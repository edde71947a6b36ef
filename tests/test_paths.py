"""A URL is no path: refused with its key, and no folder of that name is made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import workbench as wb
from workbench.cli import app
from workbench.exceptions import SettingsError
from workbench.paths import local_path
from workbench.settings import load_settings

URLS = ["s3://bucket/home", "file:///srv/home", "https://host/x.csv", "gs://b", "abfs://c@a.net/x", "sqlite:///x.db"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORKBENCH_HOME", raising=False)
    yield tmp_path
    assert [one.name for one in tmp_path.iterdir() if ":" in one.name] == []


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("key", ["home", "catalog"])
def test_a_url_is_refused_wherever_a_setting_is_a_path(folder, monkeypatch, url, key):
    for make in (
        lambda: load_settings(**{key: url}),
        lambda: load_settings(**{key: Path(url)}),
        lambda: wb.open(**{key: url}),
    ):
        with pytest.raises(SettingsError, match=f"{key}: a URL is no path"):
            make()
    monkeypatch.setenv(f"WORKBENCH_{key.upper()}", url)
    with pytest.raises(SettingsError, match=f"{key}: a URL is no path"):
        load_settings()
    monkeypatch.delenv(f"WORKBENCH_{key.upper()}")
    (folder / "workbench.yaml").write_text(f"{key}: {url}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=f"{key}: a URL is no path"):
        load_settings()
    with pytest.raises(SettingsError, match="folder is a URL"):
        load_settings(url)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--home", "URL", "channels"], "--home"),
        (["import", "URL"], "path"),
        (["fetch", "--folder", "URL"], "--folder"),
        (["evaluate", "--labels", "URL"], "--labels"),
        (["log", "export", "URL"], "path"),
        (["models", "pack", "URL"], "folder"),
        (["orders", "list", "--export", "URL"], "--export"),
        (["orders", "show", "WO-1", "--html", "URL"], "--html"),
        (["plan", "--ics", "URL"], "--ics"),
        (["lab", "--folder", "URL"], "--folder"),
    ],
)
def test_the_command_line_refuses_a_url_in_one_line(folder, words, name):
    result = CliRunner().invoke(app, [word.replace("URL", "s3://bucket/x.csv") for word in words])
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: {name} is a URL: 's3:/bucket/x.csv'. Give the path of a folder or file on this machine.\n"
    )


def test_importing_a_url_from_python_is_refused(folder):
    session = wb.open(home=folder / "home")
    with pytest.raises(SettingsError, match="path is a URL"):
        session.import_data("https://host/x.csv", "csv")


@pytest.mark.parametrize(
    "path", ["data/local", "/srv/home", "C:/data", "C:\\data", "a:b", "odd name", "s3", "", ".", "s3:"]
)
def test_a_path_stays_a_path(path):
    assert local_path("home", path) == Path(path)


@given(st.text())
def test_any_text_is_a_path_or_is_refused_with_its_key(text):
    try:
        assert local_path("home", text) == Path(text)
    except SettingsError as error:
        if "\0" in text:
            assert str(error).startswith("home holds a null byte")
        else:
            assert ":/" in text
            assert str(error).startswith("home is a URL")


def test_a_process_that_is_given_a_url_as_home_leaves_nothing(tmp_path):
    environment = {**os.environ, "WORKBENCH_HOME": "s3://bucket/home"}
    done = subprocess.run(
        [sys.executable, "-c", "from workbench.cli import main; main()", "channels"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert done.stderr.count("\n") == 1
    assert "home: a URL is no path" in done.stderr
