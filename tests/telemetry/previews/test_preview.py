"""A preview says what the import then does, and changes nothing: both take the same way."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.exceptions import ImportDataError

START = "2024-03-01 10:00"


@pytest.fixture
def session(tmp_path) -> Iterator[wb.Session]:
    with wb.open(home=tmp_path / "home") as opened:
        yield opened


def tree(home: Path) -> dict[str, bytes]:
    return {str(file.relative_to(home)): file.read_bytes() for file in sorted(home.rglob("*")) if file.is_file()}


def text(header: str, rows: list[str]) -> str:
    return "\n".join([header, *rows]) + "\n"


def minute(number: int) -> str:
    return f"2024-03-01 {10 + number // 60}:{number % 60:02}"


TABLES: dict[str, tuple[str, dict[str, object]]] = {
    "plain": (text("time,load", [f"{minute(i)},{i / 4}" for i in range(40)]), {}),
    "units": (text("time,load [A],temp [°C]", [f"{minute(i)},{i},{i * 2}" for i in range(40)]), {}),
    "comma decimals": (text("Zeit;Druck", [f"{minute(i)};{i},5" for i in range(40)]), {}),
    "gaps": (text("time,a,b", [f"{minute(i)},{i if i % 3 else ''},{i}" for i in range(40)]), {}),
    "falling": (text("time,a", [f"{minute(i)},{i}" for i in reversed(range(40))]), {}),
    "inputs": (
        text("time,a,speed,mode", [f"{minute(i)},{i},{i % 2},{'on' if i % 5 else 'off'}" for i in range(40)]),
        {"inputs": ("speed", "mode")},
    ),
    "labels": (
        text("time,a,state", [f"{minute(i)},{i},{'fault' if i > 35 else 'normal'}" for i in range(40)]),
        {"label_column": "state"},
    ),
    "words beside": (text("time,a,comment", [f"{minute(i)},{i},seen" for i in range(40)]), {}),
    "an empty column": (text("time,a,b", [f"{minute(i)},{i}," for i in range(40)]), {}),
    "times twice": (text("time,a", [f"{minute(i // 2)},{i // 2}" for i in range(40)]), {}),
    "a zone": (text("time,a", [f"{minute(i)},{i}" for i in range(40)]), {"timezone": "Europe/Berlin"}),
    "counts": (text("cycle,a", [f"{i},{i}" for i in range(40)]), {"time_column": "cycle"}),
    "without a line end": (text("time,a", [f"{minute(i)},{i}" for i in range(40)])[:-1], {}),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_preview_says_what_the_import_then_does(session, tmp_path, name):
    content, options = TABLES[name]
    file = tmp_path / "pump.csv"
    file.write_text(content, encoding="utf-8")
    preview = session.preview(file, **options)
    assert session.archive.channels() == []
    report = session.import_data(file, **options)
    assert preview.report == report
    foreseen = preview.columns.set_index("column")
    channels = foreseen[foreseen["becomes"].str.match(r"channel \S+$")]
    assert {word.split()[1] for word in channels["becomes"]} == set(session.archive.channels())
    for row in channels.to_dict(orient="records"):
        channel = row["becomes"].split()[1]
        splits = [session.channel(channel, split) for split in ("train", "test")]
        whole = np.concatenate([one["telemetry"].values for one in splits])
        missing = np.isnan(whole)
        values = whole[~missing]
        assert (row["first"], row["last"]) == (values[0], values[-1])
        assert (row["minimum"], row["maximum"]) == (values.min(), values.max())
        assert row["missing"] == missing.sum()
        assert preview.series[0].n_samples == len(whole)
        assert session.channel(channel).attrs["units"] == row["unit"]


def test_each_column_says_what_it_becomes(session, tmp_path):
    rows = [f"{minute(i)},{i / 2},{i % 2},{'on' if i % 5 else 'off'},ok,{'x' if i > 35 else ''}," for i in range(40)]
    file = tmp_path / "pump.csv"
    file.write_text(text("time,temp [°C],speed,mode,comment,fault,spare", rows), encoding="utf-8")
    table = session.preview(file, inputs=("speed", "mode"), label_column="fault").columns.set_index("column")
    assert table["becomes"].to_dict() == {
        "time": "time",
        "temp [°C]": "channel temp",
        "speed": "input",
        "mode": "2 inputs: mode=off, mode=on",
        "comment": "left out: not numbers: 'ok' in every row; as an input: --inputs",
        "fault": "label: 4 of 40 samples anomalous",
        "spare": "left out: no values",
    }
    assert table.loc["temp [°C]", ["unit", "type", "first", "last", "missing", "minimum", "maximum"]].tolist() == [
        *("°C", "number", 0.0, 19.5, 0, 0.0, 19.5)
    ]
    assert table.loc["time", ["type", "first", "last"]].tolist() == [
        *("time (UTC)", "2024-03-01 10:00:00", "2024-03-01 10:39:00")
    ]
    assert table["type"].tolist() == ["time (UTC)", "number", "whole number", "text", "text", "text", "empty"]
    assert table.loc["fault", "missing"] == 36


def write(folder: Path, start: int, stop: int, factor: float = 1.0) -> Path:
    file = folder / "pump.csv"
    file.write_text(text("time,load", [f"{minute(i)},{i * factor}" for i in range(start, stop)]))
    return file


def test_it_says_what_the_import_would_do_beside_the_archive(session, tmp_path):
    assert session.preview(write(tmp_path, 0, 40)).outcome == ["load: new, 40 samples"]
    session.import_data(write(tmp_path, 0, 40))
    assert session.preview(write(tmp_path, 0, 40)).outcome == ["load: nothing new, the archive holds all of it"]
    assert session.preview(write(tmp_path, 30, 50)).outcome == [
        "load: adds 10 samples to those until 2024-03-01 10:39:00 UTC"
    ]
    refused = session.preview(write(tmp_path, 30, 50, 2.0))
    assert "contradicts load of the archive in 10 samples" in refused.outcome[0]
    assert refused.columns["becomes"].tolist() == ["time", "channel load"]
    replaced = session.preview(write(tmp_path, 10, 50, 2.0), replace=True)
    assert replaced.outcome[0].startswith("load: replaced 40 samples")
    assert session.preview(write(tmp_path, 0, 40), replace=True).outcome == [
        "load: nothing new, the archive holds all of it"
    ]
    kept = session.preview(write(tmp_path, 30, 50, 2.0), on_conflict="keep")
    assert kept.outcome == ["load: adds 10 samples to those until 2024-03-01 10:39:00 UTC"]


@pytest.mark.parametrize(
    "table",
    [
        text("time,load,load_quality", [f"{minute(i)},{i},{'Bad' if i == 0 else 'Good'}" for i in range(40)]),
        text("tag,time,value,quality", [f"load,{minute(i)},{i},{'Bad' if i == 0 else 'Good'}" for i in range(40)]),
    ],
    ids=["a column of its own", "the long form"],
)
def test_a_column_of_quality_shows_which_values_are_good(session, tmp_path, table):
    (tmp_path / "pump.csv").write_text(table)
    columns = session.preview(tmp_path / "pump.csv").columns
    quality = columns[columns["becomes"] == "quality"]
    assert quality[["type", "first", "last", "missing"]].to_numpy().tolist() == [["text", "bad", "good", 0]]


def test_what_an_import_would_leave_out_or_question_is_told(session, tmp_path):
    file = tmp_path / "pump.csv"
    file.write_text(text("time,Load,late", [f"{minute(i)},{i},{'' if i > 20 else i}" for i in range(40)]))
    outcome = session.preview(file).outcome
    assert outcome == [
        "Load: new, 40 samples",
        "late: left out, no values in the test series; another training span: --train-from, --train-until",
    ]
    skipped = [row for row in session.import_data(file).channels if row.status == "skipped"]
    assert [f"{row.channel}: left out, {row.note}" for row in skipped] == outcome[1:]
    assert session.preview(write(tmp_path, 0, 40)).outcome == [
        "load: new, 40 samples",
        "load: pump has Load too, which differs in letter case only; to add to that one, rename the column",
    ]
    file.write_text(text("time,machine,temp", [f"{minute(i)},p{1 + i // 39},{i}" for i in range(40)]))
    assert session.preview(file).outcome == [
        "p1.temp: new, 39 samples",
        f"p2: would be refused: {file}: 1 sample cannot be split. Needed: two samples at least.",
    ]


def test_nothing_in_the_home_changes(tmp_path):
    home = tmp_path / "home"
    with wb.open(home=home) as session:
        session.preview(write(tmp_path, 0, 40))
    assert not home.exists()
    with wb.open(home=home) as session:
        session.import_data(write(tmp_path, 0, 40))
    before = tree(home)
    for file, options in (
        (write(tmp_path, 0, 60), {}),
        (write(tmp_path, 30, 50, 2.0), {"replace": True}),
        (write(tmp_path, 30, 50, 2.0), {"on_conflict": "replace"}),
        (write(tmp_path, 0, 60), {"asset": "fan"}),
        (write(tmp_path, 30, 50, 2.0), {}),
    ):
        with wb.open(home=home) as session:
            session.preview(file, **options)
        assert tree(home) == before


def test_assumptions_name_the_option_that_says_otherwise(session, tmp_path):
    preview = session.preview(write(tmp_path, 0, 40))
    assert preview.assumed == ["times without a zone taken as UTC (otherwise: --timezone)"]
    assert "Assumed and put right:\n- times without a zone taken as UTC (otherwise: --timezone)" in str(preview)
    assert session.preview(write(tmp_path, 0, 40), timezone="UTC").assumed == []


def test_what_is_left_out_or_put_right_is_counted(session, tmp_path):
    file = tmp_path / "pump.csv"
    rows = [f"{minute(i)},{i if i != 7 else 'err'},{i}" for i in range(40)]
    file.write_text(text("time,load,b", [*rows[:9], rows[8], *rows[10:], rows[9], "soon,1,1"]))
    preview = session.preview(file)
    assert preview.assumed == [
        "times without a zone taken as UTC (otherwise: --timezone)",
        "1 row left out, without a readable time or with too many fields",
        "1 sample out of order, sorted",
        "1 row at a time that was there, with equal values",
        "1 value of load not a number, taken as missing",
    ]
    assert preview.columns.set_index("column").loc["load", "missing"] == 1


def test_a_notebook_shows_the_table_with_what_a_file_says_escaped(session, tmp_path):
    file = tmp_path / "pump.csv"
    file.write_text(text("time,load,<b>", [f"{minute(i)},{i},<i>" for i in range(9)]))
    shown = session.preview(file)._repr_html_()
    assert "<b>" not in shown.replace("<p><b>", "") and "&lt;i&gt;" in shown
    assert "load: new, 9 samples" in shown


def test_several_files_are_shown_one_by_one_and_a_bad_one_is_named(session, tmp_path):
    write(tmp_path, 0, 40).rename(tmp_path / "a.csv")
    write(tmp_path, 0, 30).rename(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text("only,words\na,b\n")
    preview = session.preview(tmp_path)
    assert [(one.path.name, one.asset, one.n_samples) for one in preview.series] == [
        ("a.csv", "a", 40),
        ("b.csv", "b", 30),
    ]
    assert "c.csv would be refused" in preview.outcome[-1]
    with pytest.raises(ImportDataError, match="no time column"):
        session.preview(tmp_path / "c.csv")


def test_a_profile_holds_for_previews_and_imports(session, tmp_path):
    from workbench.telemetry.import_profiles import save_profile

    file = write(tmp_path, 0, 40)
    save_profile(session.settings.home, "berlin", {"timezone": "Europe/Berlin"})
    assert session.preview(file, profile="berlin").series[0].first == "2024-03-01 09:00:00 UTC"
    assert session.preview(file, profile="berlin", timezone="UTC").series[0].first == "2024-03-01 10:00:00 UTC"
    session.import_data(file, profile="berlin")
    assert session.archive.dates("load")[1] == pd.Timestamp("2024-03-01 09:39", tz="UTC")


def test_nasa_has_no_preview(session, tmp_path):
    (tmp_path / "x" / "train").mkdir(parents=True)
    np.save(tmp_path / "x" / "train" / "A-1.npy", np.zeros((9, 2)))
    with pytest.raises(ImportDataError, match="NASA's layout, which has no preview"):
        session.preview(tmp_path / "x")


def test_the_file_itself_stays_as_it_was(session, tmp_path):
    file = write(tmp_path, 0, 40)
    os.utime(file, (1, 1))
    content = file.read_bytes()
    session.preview(file)
    assert file.read_bytes() == content and file.stat().st_mtime == 1
