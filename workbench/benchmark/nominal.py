"""Alarms on data in which nothing is wrong: NASA's training telemetry, cut in two halves of each channel."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from workbench.benchmark.blind import flag_everything
from workbench.benchmark.report import BenchmarkReport
from workbench.benchmark.series import BenchmarkRun
from workbench.counts import counted
from workbench.exceptions import ImportDataError
from workbench.parameters import LEVELS
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import import_nasa

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["run_nominal"]

_PROTOCOL = "the first half of each channel's training telemetry trains, every anomaly in the second half is false"
_PER = 94_000  # samples: those of the second halves of NASA's 82 channels, rounded


def run_nominal(run: BenchmarkRun) -> BenchmarkReport:
    """Count the alarms of a forecaster and a preset on telemetry in which nothing is wrong.

    Parameters
    ----------
    run : BenchmarkRun
        What it is run with. Data are in Telemanom's layout; their test telemetry and labels are not looked at.

    Returns
    -------
    BenchmarkReport
        Its details are the false events.

    Raises
    ------
    ImportDataError
        The data are not in that layout, or no channel of them can be judged.
    """
    archive = run.session.archive
    with tempfile.TemporaryDirectory(prefix="workbench-nominal-") as folder:
        whole = Archive(Path(folder) / "whole.zarr")
        import_nasa(run.data, whole, progress=run.progress)
        for name in whole.channels():
            training = whole.open(name, "train")
            half = training.sizes["time"] // 2
            first, second = (training.isel(time=part).load() for part in (slice(0, half), slice(half, None)))
            archive.write(first, second)
    lengths = {name: archive.info(name).n_test for name in archive.channels()}
    detections = run.detect(lengths)
    judged = {name: length for name, length in lengths.items() if name not in detections.failed}
    if not judged:
        raise ImportDataError(
            f"No channel of {run.data} can be judged: {next(iter(detections.failed.values()))}",
            "Pass training telemetry whose halves are long enough to train on and to judge.",
        )
    ours = {name: detections.sequences[name] for name in judged}
    events = pd.concat([table.assign(channel=name) for name, table in ours.items()], ignore_index=True)
    order_level = run.session.settings.orders.open_from_level
    severe = () if order_level is None else LEVELS[LEVELS.index(order_level) :]
    with_order = {"of_them_with_a_work_order": int(events["level"].isin(severe).sum())}
    rows = [_row(run.detector, ours, judged) | with_order | {"seconds": detections.seconds}]
    return BenchmarkReport(
        name="nominal",
        protocol=_PROTOCOL,
        measured=pd.DataFrame(rows),
        gaming=pd.DataFrame([_row("flag everything", flag_everything(judged), judged)]),
        published=pd.DataFrame(),
        intervals=pd.DataFrame(),
        details=events[["channel", "start", "end", "found_by", "severity", "level", "words"]],
        notes=(
            f"{counted(len(judged), 'channel')} with {counted(sum(judged.values()), 'sample')} judged.",
            *(f"{name} could not be judged: {reason}" for name, reason in detections.failed.items()),
        ),
    )


def _row(
    detector: str, sequences: "Mapping[str, pd.DataFrame]", lengths: "Mapping[str, int]"
) -> dict[str, str | float]:
    events = sum(map(len, sequences.values()))
    flagged = sum(int((table["end"] - table["start"] + 1).sum()) for table in sequences.values())
    samples = sum(lengths.values())
    return {
        "detector": detector,
        "false_events": events,
        f"false_events_in_{_PER:,}_samples": round(events * _PER / samples, 2),
        "channels_with_false_events": sum(len(table) > 0 for table in sequences.values()),
        "flagged_fraction": flagged / samples,
    }
