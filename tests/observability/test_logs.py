"""The log's file: written by all, searched whole, begun anew when it is long."""

import logging

import pytest
from typer.testing import CliRunner

from workbench.cli import app
from workbench.observability.logs import LogEntry, log_path, log_to, read_log, rotate

LINES = """\
a line of an entry that was cut off
2026-01-01 10:00:00,001 11 ERROR workbench.views: 1a2b3c4d Monitoring: refresh: no such file
Traceback (most recent call last):
  File "x.py", line 1
FileNotFoundError: x
2026-01-01 10:00:01,002 12 WARNING tornado.general: slow
2026-01-01 10:00:02,003 12 INFO workbench: done
"""


@pytest.fixture
def path(tmp_path):
    path = log_path(tmp_path)
    path.parent.mkdir()
    path.write_text(LINES, encoding="utf-8")
    return path


def test_entries_come_newest_first_with_their_tracebacks(path):
    entries = read_log(path)
    assert [entry.level for entry in entries] == ["INFO", "WARNING", "ERROR"]
    assert entries[0] == LogEntry("2026-01-01 10:00:02", 12, "INFO", "workbench", "done")
    assert entries[-1].more.endswith("FileNotFoundError: x")
    assert len(read_log(path, most=2)) == 2


@pytest.mark.parametrize(
    ("find", "level", "found"),
    [
        ("1A2B3C4D", "DEBUG", ["ERROR"]),
        ("x.py", "DEBUG", ["ERROR"]),
        ("", "WARNING", ["WARNING", "ERROR"]),
        ("slow", "ERROR", []),
        ("tornado", "DEBUG", ["WARNING"]),
    ],
)
def test_a_search_looks_at_everything_of_an_entry(path, find, level, found):
    assert [entry.level for entry in read_log(path, find, level)] == found


def test_a_long_log_begins_anew_and_the_old_one_is_still_searched(path):
    rotate(path)
    assert path.exists(), "a short one stays"
    log_to(path, "tests.rotation")
    logger = logging.getLogger("tests.rotation")
    with path.open("a", encoding="utf-8") as file:
        file.write("x" * (8 * 2**20))
    rotate(path)
    assert not path.exists()
    logger.error("after the rotation")
    for handler in logger.handlers:
        handler.close()
    logger.handlers.clear()
    assert [entry.text for entry in read_log(path)] == ["after the rotation"]
    assert [entry.text[:8] for entry in read_log(path, "1a2b3c4d")] == ["1a2b3c4d"]


def test_no_log_has_no_entries(tmp_path):
    assert read_log(tmp_path / "nowhere.log", "anything") == []
    rotate(tmp_path / "nowhere.log")


def test_a_log_whose_folder_vanished_stops_nothing(tmp_path, capsys):
    path = log_path(tmp_path / "home")
    log_to(path, "tests.vanished")
    logger = logging.getLogger("tests.vanished")
    try:
        path.parent.rmdir()
        logger.error("the home has vanished")
    finally:
        for handler in [*logger.handlers]:
            handler.close()
            logger.removeHandler(handler)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1  # a traceback for each entry would fill the journal of the system, too
    assert lines[0].startswith(f"{path}: ")
    assert "the home has vanished" in lines[0]


SECRET = "AbC-_123" * 5 + "xyz"


@pytest.mark.parametrize(
    ("address", "written"),
    [
        (f"/my/{SECRET}/WO-7?show=mine", "/my/***/WO-7?show=mine"),
        (f"/report/{SECRET}", "/report/***"),
        (f"/calendar/{SECRET}.ics", "/calendar/***"),
        (f"/workbench/acknowledge/{SECRET}.{SECRET}", "/workbench/acknowledge/***"),
        (f"/?view=system&token={SECRET}", "/?view=system&token=***"),
        ("/my/WO-7", "/my/WO-7"),
    ],
)
def test_no_secret_of_a_link_is_written(tmp_path, address, written):
    path = log_path(tmp_path)
    log_to(path, "secrets")
    logger = logging.getLogger("secrets.access")
    try:
        logger.warning("404 GET %s (127.0.0.1) 1.2ms", address)
        try:
            raise ValueError(f"cannot answer {address}")
        except ValueError:
            logger.exception("Uncaught exception")
        text = path.read_text(encoding="utf-8")
    finally:
        handlers = logging.getLogger("secrets").handlers
        handlers.pop().close()
    assert SECRET not in text
    assert text.count(written) == 2


def test_nor_to_the_terminal(tmp_path, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    CliRunner().invoke(app, ["--version"])
    (handler,) = logging.getLogger().handlers
    record = logging.makeLogRecord({"levelname": "WARNING", "msg": "404 GET %s", "args": (f"/my/{SECRET}",)})
    assert handler.format(record) == "WARNING: 404 GET /my/***"


def test_a_structured_log_is_one_document_a_line(tmp_path):
    import json

    file = tmp_path / "logs" / "live.log"
    logger = logging.getLogger("structured.test")
    log_to(file, "structured.test", structured=True)
    try:
        logger.warning("%s is told of:\nonce", "mqtt ?token=abc")
        try:
            raise ValueError("x")
        except ValueError:
            logger.exception("it has failed")
    finally:
        for handler in list(logger.handlers):
            handler.close()
            logger.removeHandler(handler)
    first, second = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    assert (first["level"], first["source"]) == ("WARNING", "structured.test")
    assert first["message"] == "mqtt ?token=*** is told of:\nonce"
    assert first["at"].endswith("+00:00")
    assert second["error"].endswith("ValueError: x")
