"""Files that come one after another: added, skipped, refused, replaced; and the training span that stays."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.archive_files import file_of
from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import ImportReport, import_nasa, import_table
from workbench.telemetry.importers.splitting import split_channels
from workbench.telemetry.quality import quality
from workbench.telemetry.schema import data_hash

START = "2024-03-01"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


def table(minutes: Sequence[int], **columns: Sequence[object]) -> pd.DataFrame:
    """Samples at minutes; `temp` is the minute where it is not named."""
    time = pd.Timestamp(START) + pd.to_timedelta(list(minutes), unit="min")
    values = columns or {"temp": list(minutes)}
    return pd.DataFrame({"time": time.strftime("%Y-%m-%dT%H:%M:%SZ"), **values})


def write(tmp_path: Path, name: str, frame: pd.DataFrame) -> Path:
    file = tmp_path / name / "pump.csv"
    file.parent.mkdir(exist_ok=True)
    frame.to_csv(file, index=False)
    return file


def add(tmp_path: Path, archive: Archive, frame: pd.DataFrame, name: str = "a", **options) -> ImportReport:
    return import_table(write(tmp_path, name, frame), archive, **options)


def minutes_of(archive: Archive, split: str = "test", channel: str = "temp") -> list[int]:
    time = archive.open(channel, split)["time"].values
    return ((time - np.datetime64(START)) // np.timedelta64(1, "m")).tolist()


def stored(archive: Archive, channel: str = "temp") -> list[object]:
    """Everything that the archive holds of a channel, without the name of the file."""
    out: list[object] = [archive.training_span(channel), archive.label_moments(channel)]
    labels = archive.labels(channel)
    out.append(None if labels is None else labels.values.tolist())
    for dataset in (archive.open_before(channel), archive.open(channel, "train"), archive.open(channel)):
        if dataset is None:
            out.append(None)
            continue
        masks = [dataset["missing_commands"].values.tolist()] if "missing_commands" in dataset else []
        about = {name: value for name, value in dataset.attrs.items() if name != "source"}
        out += [data_hash(dataset), list(dataset["command"].values), masks, about]
    return out


def test_later_samples_are_test_samples_and_equal_ones_are_skipped(tmp_path, archive) -> None:
    add(tmp_path, archive, table(range(100)), train_fraction=0.6)
    report = add(tmp_path, archive, table(range(80, 130)), train_fraction=0.6)
    (channel,) = report.channels
    assert (channel.status, channel.n_train, channel.n_test) == ("appended", 60, 70)
    assert channel.repairs == {"samples_added": 30, "equal_samples": 20}
    assert minutes_of(archive) == list(range(60, 130))
    again = add(tmp_path, archive, table(range(80, 130))).channels[0]
    assert (again.status, again.repairs) == ("unchanged", {"equal_samples": 50})


def test_late_samples_find_their_place_on_either_side_of_the_span(tmp_path, archive) -> None:
    add(tmp_path, archive, table(range(20, 100, 2)), train_until="2024-03-01T00:50Z")
    train_hash = archive.info("temp").train_hash
    report = add(tmp_path, archive, table([61, 75, 200]))
    assert minutes_of(archive) == sorted([*range(52, 100, 2), 61, 75, 200])
    assert archive.info("temp").train_hash == train_hash and "train" not in report.channels[0].note
    report = add(tmp_path, archive, table([3, 21, 51]))
    assert minutes_of(archive, "train") == sorted([21, *range(20, 51, 2)])
    before = archive.open_before("temp")
    assert before is not None and before["telemetry"].values.tolist() == [3], "it is before the span, which stays"
    assert 51 in minutes_of(archive), "it is after the end of the span"
    assert "its training data changed" in report.channels[0].note


def test_a_contradiction_is_refused_whole_with_its_count_and_first_example(tmp_path, archive) -> None:
    add(tmp_path, archive, table(range(10), temp=range(10), load=range(10)))
    before = [stored(archive, name) for name in ("temp", "load")]
    worse = table(range(5, 15), temp=range(5, 15), load=[5, 6, 70, 80, 9, 10, 11, 12, 13, 14])
    words = (
        r"contradicts load of the archive in 2 samples, the first at 2024-03-01 00:07:00 UTC: 70 instead of 7\. "
        r"Pass --on-conflict keep .* or --on-conflict replace .*--replace, which discards the 10 samples, 2024-03-01"
    )
    with pytest.raises(ImportDataError, match=words):
        add(tmp_path, archive, worse)
    assert [stored(archive, name) for name in ("temp", "load")] == before, "not even the sound channel is written"
    kept = add(tmp_path, archive, worse, on_conflict="keep")
    assert kept.to_frame().loc["load", ["samples_added", "conflicts_kept"]].tolist() == [5, 2]
    assert archive.open("load", "train")["telemetry"].values[-1] == 6 and archive.open("load")["telemetry"][0] == 7
    report = add(tmp_path, archive, worse, on_conflict="replace")
    assert report.to_frame()["status"].to_dict() == {"temp": "unchanged", "load": "changed"}
    assert archive.open("load")["telemetry"].values[:3].tolist() == [70, 80, 9]
    with pytest.raises(ImportDataError, match="on_conflict must be keep or replace"):
        add(tmp_path, archive, worse, on_conflict="both")


def test_only_replace_discards_and_says_what(tmp_path, archive) -> None:
    add(tmp_path, archive, table(range(10)))
    with pytest.raises(
        ImportDataError, match=r"00:00:00 UTC to .* 00:06:00 UTC, leaves nothing to learn from.*--train-"
    ):
        add(tmp_path, archive, table(range(50, 60)), replace=True)
    report = add(tmp_path, archive, table(range(50, 60)), replace=True, train_fraction=0.7)
    assert report.channels[0].status == "replaced"
    assert "replaced 10 samples, 2024-03-01 00:00:00 UTC to 2024-03-01 00:09:00 UTC" in report.channels[0].note
    assert "training span, chosen anew: 2024-03-01 00:50:00 UTC to 2024-03-01 00:56:00 UTC" in report.channels[0].note
    assert minutes_of(archive, "train") == list(range(50, 57))


def test_a_replaced_channel_keeps_its_training_span(tmp_path, archive) -> None:
    add(tmp_path, archive, table(range(100)), train_from="2024-03-01T00:10Z", train_until="2024-03-01T00:30Z")
    (row,) = add(tmp_path, archive, table(range(0, 100, 2)), replace=True).channels
    assert (row.status, minutes_of(archive, "train")) == ("replaced", list(range(10, 31, 2)))
    assert "training span, as before: 2024-03-01 00:10:00 UTC to 2024-03-01 00:30:00 UTC" in row.note
    with pytest.raises(ImportDataError, match="replace and on_conflict exclude each other"):
        add(tmp_path, archive, table(range(9)), replace=True, on_conflict="keep")


def test_samples_without_times_are_never_added(tmp_path, archive) -> None:
    frame = pd.DataFrame({"cycle": range(20), "temp": range(20)})
    add(tmp_path, archive, frame, time_column="cycle", train_until="9")
    assert add(tmp_path, archive, frame, time_column="cycle").channels[0].status == "unchanged"
    assert add(tmp_path, archive, frame, time_column="cycle", train_until="9").channels[0].status == "unchanged"
    words = r"temp has sample numbers, not times.*Import files with times.*--replace, which discards the 20 samples"
    for other in (frame.iloc[:10], frame + 1, pd.DataFrame({"cycle": range(20, 40), "temp": range(20, 40)})):
        with pytest.raises(ImportDataError, match=words):
            add(tmp_path, archive, other, time_column="cycle")
    with pytest.raises(ImportDataError, match=words):
        add(tmp_path, archive, table(range(20)))
    assert add(tmp_path, archive, table(range(20)), replace=True).channels[0].status == "replaced"


@pytest.mark.parametrize(
    ("frame", "options", "says"),
    [
        (table(range(20, 40), **{"temp [K]": range(20)}), {}, "is in K, what is there in bar"),
        (table(range(20, 40), **{"temp [bar]": range(20), "v": range(20)}), {"inputs": ["v"]}, "has the inputs v"),
        (table(range(100, 400, 20), **{"temp [bar]": range(15)}), {}, "a sample every 00:20:00"),
        (
            pd.DataFrame({"cycle": range(9), "temp [bar]": range(9)}),
            {"time_column": "cycle"},
            "has sample numbers, what is there has times",
        ),
    ],
)
def test_what_does_not_fit_a_channel_is_refused(tmp_path, archive, frame, options, says: str) -> None:
    add(tmp_path, archive, table(range(20), **{"temp [bar]": range(20)}))
    with pytest.raises(ImportDataError, match=rf"cannot be added to temp of the archive: it {says}|it .*{says}"):
        add(tmp_path, archive, frame, **options)
    assert archive.info("temp").n_test == 6


def test_the_unit_may_be_left_out(tmp_path, archive) -> None:
    add(tmp_path, archive, table(range(20), **{"temp [bar]": range(20)}))
    add(tmp_path, archive, table(range(20, 30)))
    assert (archive.info("temp").units, archive.info("temp").n_test) == ("bar", 16)


def test_the_training_span_is_kept_and_another_one_is_refused(tmp_path, archive) -> None:
    until = "2024-03-01T00:30Z"
    add(tmp_path, archive, table(range(50)), train_until=until)
    assert add(tmp_path, archive, table(range(50, 60)), train_until=until).channels[0].n_train == 31
    words = r"temp has another training span: 2024-03-01 00:00:00 UTC to 2024-03-01 00:30:00 UTC.*channels split temp"
    with pytest.raises(ImportDataError, match=words):
        add(tmp_path, archive, table(range(60, 70)), train_until="2024-03-01T00:40Z")
    with pytest.raises(ImportDataError, match=words):
        add(tmp_path, archive, table(range(60, 70)), train_from="2024-03-01T00:10Z")
    assert archive.info("temp").n_test == 29


def test_samples_before_the_span_are_stored_and_can_be_chosen_later(tmp_path, archive) -> None:
    whole = table(range(50), temp=[None, *range(1, 50)])
    span = {"train_from": "2024-03-01T00:10Z", "train_until": "2024-03-01T00:30Z"}
    report = add(tmp_path, archive, whole, **span)
    assert "10 samples before the training span: stored, neither learned from nor scored" in report.channels[0].note
    assert minutes_of(archive, "train") == list(range(10, 31))
    add(tmp_path, archive, table([-5]))
    before = archive.open_before("temp")
    assert before is not None
    np.testing.assert_array_equal(before["telemetry"].values, [-5, np.nan, *range(1, 10)])
    (split,) = split_channels(archive, ["temp"], start=None, end="2024-03-01T00:40Z")
    assert (split.n_before, split.n_train, split.n_test) == (0, 42, 9)
    assert archive.open_before("temp") is None
    (back,) = split_channels(archive, ["temp"], start=span["train_from"], end=span["train_until"])
    assert (back.n_before, back.n_train, back.n_test) == (11, 21, 19)


def test_a_file_of_its_own_to_learn_from(tmp_path, archive) -> None:
    normal = write(tmp_path, "normal", table(range(30)))
    add(tmp_path, archive, table(range(30, 90)), "month", train_file=normal)
    assert minutes_of(archive, "train") == list(range(30)) and minutes_of(archive) == list(range(30, 90))
    add(tmp_path, archive, table(range(90, 95)), "next", train_file=normal)
    assert archive.info("temp").n_test == 65
    with pytest.raises(ImportDataError, match="train_until and train_file exclude"):
        add(tmp_path, archive, table(range(9)), train_file=normal, train_until="2024")


def test_a_file_of_its_own_to_learn_from_without_times(tmp_path, archive) -> None:
    normal = write(tmp_path, "normal", pd.DataFrame({"cycle": range(30), "temp": range(30)}))
    add(
        tmp_path,
        archive,
        pd.DataFrame({"cycle": range(40), "temp": range(100, 140)}),
        time_column="cycle",
        train_file=normal,
    )
    assert archive.open("temp", "train")["telemetry"].values.tolist() == list(range(30))
    assert archive.open("temp")["telemetry"].values.tolist() == list(range(100, 140))


def test_a_channel_of_an_older_release_grows(tmp_path, archive) -> None:
    """It has no training span: the one that it has is kept."""
    add(tmp_path, archive, table(range(100)), train_fraction=0.6)
    archive.write(archive.open("temp", "train").load(), archive.open("temp").load())
    assert archive.training_span("temp") is None
    add(tmp_path, archive, table(range(100, 120)))
    assert (archive.info("temp").n_train, archive.info("temp").n_test) == (60, 60)


def test_labels_stay_at_their_samples(tmp_path, archive) -> None:
    add(tmp_path, archive, table(range(0, 100, 2)), train_until="2024-03-01T00:30Z")
    archive.set_labels("temp", pd.DataFrame({"start": [5, 20], "end": [7, 20], "kind": ["leak", "stuck"]}))
    time = archive.open("temp")["time"].values
    spans = [(time[5], time[7]), (time[20], time[20])]
    add(tmp_path, archive, table([33, 43, 150]))

    def labelled() -> list[tuple[np.datetime64, np.datetime64]]:
        times = archive.open("temp")["time"].values
        return [(times[start], times[end]) for start, end in archive.labels("temp")[["start", "end"]].to_numpy()]

    assert labelled() == spans
    assert archive.labels("temp")["kind"].tolist() == ["leak", "stuck"]
    split_channels(archive, ["temp"], start=None, end="2024-03-01T00:44Z")
    assert labelled()[1:] == spans[1:]
    split_channels(archive, ["temp"], start=None, end="2024-03-01T00:30Z")
    assert labelled() == spans, "what lay in training for a while is not lost"


def test_what_was_missing_at_the_import_is_told_by_quality(tmp_path, archive) -> None:
    values = [*range(40), *[None] * 15, *range(5)]
    add(tmp_path, archive, table(range(60), temp=values), train_until="2024-03-01T00:29Z")
    measures = quality(archive.open("temp", "train"), archive.open("temp"))
    assert (measures["missing_samples_train"], measures["missing_samples_test"]) == (0, 15)
    assert measures["missing_test"] == pytest.approx(0.5)


def test_one_bad_file_does_not_stop_the_others(tmp_path, archive) -> None:
    files = [
        write(tmp_path, "c", table(range(60, 90))),
        write(tmp_path, "a", table(range(40))),
        write(tmp_path, "b", table(range(30, 60), temp=[30.5, *range(31, 60)])),
        tmp_path / "nowhere.csv",
        write(tmp_path, "d", pd.DataFrame({"x": ["a", "b"]})),
    ]
    report = import_table(files, archive, train_until="2024-03-01T00:20Z")
    assert {Path(file).parent.name for file in report.failures} == {"b", "d", tmp_path.name}
    assert (
        "contradicts temp of another file in 1 sample, the first at 2024-03-01 00:30:00"
        in report.failures[str(files[2])]
    )
    assert minutes_of(archive) == [*range(21, 40), *range(60, 90)]
    assert report.n_files == 5


def test_folders_and_patterns(tmp_path, archive) -> None:
    for number in range(3):
        write(tmp_path, f"day-{number}", table(range(number * 10, number * 10 + 10)))
    (tmp_path / "day-0" / "notes.txt").write_text("no table")
    report = import_table([tmp_path / "day-0", tmp_path / "day-[12]" / "*.csv"], archive)
    assert (report.n_files, report.failures) == (3, {})
    assert minutes_of(archive, "train") + minutes_of(archive) == list(range(30))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImportDataError, match="holds no CSV or Parquet file"):
        import_table(tmp_path / "empty", archive)
    with pytest.raises(ImportDataError, match="No file matches"):
        import_table(tmp_path / "month-*.csv", archive)


@pytest.mark.parametrize("moment", ["staging", "renaming"])
def test_a_crash_leaves_all_channels_of_a_file_or_none(tmp_path, archive, monkeypatch, moment: str) -> None:
    """The process dies while two old channels and a new one are written; nothing cleans up."""
    add(tmp_path, archive, table(range(20), temp=range(20), load=range(20)))
    before = [stored(archive, name) for name in ("temp", "load")]

    class Died(BaseException):
        pass

    def die(*args: object) -> Path:
        raise Died

    if moment == "staging":
        monkeypatch.setattr("workbench.telemetry.archiving.segments.seal_group", die)
    else:
        monkeypatch.setattr(Path, "rename", die)
    monkeypatch.setattr("workbench.telemetry.archiving.publishing.Publisher.settle", lambda self: None)
    longer = table(range(40), temp=range(40), load=range(40), flow=range(40))
    with pytest.raises(Died):
        add(tmp_path, archive, longer)
    monkeypatch.undo()
    again = Archive(archive.path)
    assert again.channels() == ["load", "temp"]
    assert [stored(again, name) for name in ("temp", "load")] == before
    assert not again.incoming.exists()
    add(tmp_path, again, longer)
    assert (again.channels(), again.info("temp").n_test) == (["flow", "load", "temp"], 26)


def test_an_archive_that_is_open_undoes_what_another_process_left(tmp_path, archive) -> None:
    """It died after the first of two segments was in place."""
    add(tmp_path, archive, table(range(20), temp=range(20), load=range(20)))
    before = stored(archive, "load")
    (segment,) = {piece.folder for piece in archive.index.pieces("load", "test")}
    place = segment[:-1] + str((int(segment[-1]) + 1) % 10)
    shutil.copytree(archive.path / segment, archive.path / place)
    archive.incoming.mkdir()
    (archive.incoming / "segments.json").write_text(json.dumps([place, "_assets/other/9"]))
    add(tmp_path, archive, table(range(20, 30)))
    assert (archive.info("temp").n_test, stored(archive, "load")) == (16, before)
    assert not (archive.path / place).exists()


@pytest.mark.parametrize("left", [b"", b"[", b"5", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_note_of_a_cut_off_import_is_told_and_stops_nothing(tmp_path, archive, caplog, left) -> None:
    """A power failure may leave the file empty."""
    add(tmp_path, archive, table(range(20), temp=range(20)))
    archive.incoming.mkdir()
    (archive.incoming / "segments.json").write_bytes(left)
    add(tmp_path, archive, table(range(20, 30)))
    assert archive.info("temp").n_test == 16
    assert "Import its files again" in caplog.text
    assert not archive.incoming.exists()


def test_a_damaged_channel_is_mended_by_its_file_and_by_no_other(tmp_path, archive) -> None:
    add(tmp_path, archive, table(range(20)), train_fraction=0.5)
    before = stored(archive)
    chunk = file_of(archive, "temp", "test/telemetry/c")
    chunk.write_bytes(chunk.read_bytes()[:-4])
    with pytest.raises(
        ImportDataError, match=r"Nothing can be added to temp: .*damaged.*all files of pump with --replace"
    ):
        add(tmp_path, archive, table(range(20, 40)))
    assert add(tmp_path, archive, table(range(20))).channels[0].status == "imported"
    assert stored(archive) == before


def test_a_channel_of_nasas_layout_is_not_replaced_in_silence(tmp_path, archive) -> None:
    def folder(n_test: int) -> Path:
        place = tmp_path / f"set-{n_test}"
        for split, n in (("train", 30), ("test", n_test)):
            (place / split).mkdir(parents=True)
            for channel in ("A-1", "A-2"):
                n_own = n if channel == "A-1" else 30
                np.save(place / split / f"{channel}.npy", np.ones((n_own, 25), dtype=np.float32))
        return place

    import_nasa(folder(40), archive)
    statuses = import_nasa(folder(50), archive).to_frame()
    assert statuses["status"].to_dict() == {"A-1": "failed", "A-2": "unchanged"}
    assert (
        "the archive holds other samples, 30 to train and 40 to test; --replace discards" in statuses.loc["A-1", "note"]
    )
    assert archive.info("A-1").n_test == 40
    replaced = import_nasa(tmp_path / "set-50", archive, replace=True).to_frame()
    assert replaced["status"].to_dict() == {"A-1": "replaced", "A-2": "unchanged"}
    assert "replaced 70 samples" in replaced.loc["A-1", "note"]


def whole_year(random: np.random.Generator) -> pd.DataFrame:
    """A series with everything that makes a difference where it is cut: gaps, missing values, words, labels."""
    n = 240
    minutes = np.cumsum(random.choice([1, 1, 1, 1, 7], n))
    temp = random.normal(size=n).round(4).astype(object)
    temp[random.random(n) < 0.2] = None
    start = int(random.integers(0, n - 30))
    temp[start : start + 25] = None
    speed = random.choice([1.5, 2.5, None], n, p=[0.45, 0.45, 0.1])
    mode = random.choice(["on", "off", "idle", None], n, p=[0.5, 0.4, 0.02, 0.08])
    label = np.full(n, "normal", dtype=object)
    for _ in range(4):
        at = int(random.integers(0, n - 12))
        label[at : at + int(random.integers(1, 12))] = random.choice(["leak", "stuck"])
    return table(minutes.tolist(), temp=temp, load=random.integers(0, 99, n), speed=speed, mode=mode, label=label)


@pytest.mark.parametrize("seed", range(8))
def test_a_series_in_pieces_is_the_series(tmp_path: Path, seed: int) -> None:
    """Cut anywhere, overlapping, in any order, with late samples, in one command or several: the same bytes."""
    random = np.random.default_rng(seed)
    whole = whole_year(random)
    n = len(whole)
    options = {"inputs": ["speed", "mode"], "label_column": "label", "train_until": whole["time"][120]}
    options["train_from"] = whole["time"][30 if seed % 3 == 0 else 0]  # so that no piece decides where it begins
    expected = Archive(tmp_path / "whole.zarr")
    add(tmp_path, expected, whole, "whole", **options)

    late = random.random(n) < 0.15
    late[100:150] = False
    cuts = np.sort(random.choice(np.arange(1, n), 6, replace=False))
    pieces = []
    for start, stop in zip([0, *cuts], [*cuts, n], strict=True):
        reach = slice(max(0, start - int(random.integers(0, 20))), stop + int(random.integers(0, 20)))
        pieces.append(whole.iloc[reach][~late[reach]])
    pieces += [whole[late].iloc[part::2] for part in (0, 1)]
    pieces = [pieces[place] for place in random.permutation(len(pieces)) if len(pieces[place])]
    files = [write(tmp_path, f"part-{place}", piece) for place, piece in enumerate(pieces)]
    bridge = write(
        tmp_path, "bridge", whole.iloc[90:160]
    )  # so that the first command has samples to learn and to score
    ends = np.sort(random.choice(len(files), seed % 4, replace=False))
    pieced = Archive(tmp_path / "pieces.zarr")
    for command in np.split(np.array([bridge, *files], dtype=object), ends + 1):
        report = import_table(list(command), pieced, **options)
        assert report.failures == {}
    assert pieced.channels() == ["load", "temp"]
    for channel in pieced.channels():
        assert stored(pieced, channel) == stored(expected, channel)


def test_staging_fails_before_anything_is_swapped(tmp_path, archive, monkeypatch) -> None:
    add(tmp_path, archive, table(range(20), temp=range(20), load=range(20)))

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("workbench.telemetry.archiving.tail.Tail.add", full)
    with pytest.raises(Exception, match="No space left on device"):
        add(tmp_path, archive, table(range(40), temp=range(40), load=range(40)))
    assert {archive.info(name).n_test for name in archive.channels()} == {6}


@pytest.mark.parametrize("on_conflict", [None, "replace"])
def test_values_that_are_missing_now_are_not_called_unchanged(tmp_path, archive, on_conflict) -> None:
    frame = table(range(30), temp=[-9999 if minute in (12, 25) else 20 + minute / 10 for minute in range(30)])
    add(tmp_path, archive, frame)
    with pytest.raises(ImportDataError, match="the archive holds -9999 in 2 samples of temp") as refused:
        add(tmp_path, archive, frame, missing="-9999", on_conflict=on_conflict)
    assert "--replace" in str(refused.value) and "--on-conflict keep" in str(refused.value)
    (kept,) = add(tmp_path, archive, frame, missing="-9999", on_conflict="keep").channels
    assert kept.status == "unchanged"
    (channel,) = add(tmp_path, archive, frame, missing="-9999", replace=True).channels
    assert channel.status == "replaced"
    values = np.concatenate([archive.open("temp", part)["telemetry"].values for part in ("train", "test")])
    assert np.flatnonzero(np.isnan(values)).tolist() == [12, 25]
    (again,) = add(tmp_path, archive, frame, missing="-9999").channels
    assert again.status == "unchanged"


def test_later_files_are_added_behind_values_that_are_missing_now(tmp_path, archive) -> None:
    add(tmp_path, archive, table(range(30), temp=[-9999 if minute == 12 else minute for minute in range(30)]))
    later = table(range(30, 40), temp=[-9999 if minute == 35 else minute for minute in range(30, 40)])
    (channel,) = add(tmp_path, archive, later, missing="-9999").channels
    assert channel.status == "appended"
