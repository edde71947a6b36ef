"""NASA's SMAP and MSL channels by the overlap protocol of Hundman et al. (KDD 2018, arXiv:1802.04431, section 4.1)."""

import time
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.benchmark.blind import flag_everything, mean_of_random
from workbench.benchmark.report import BenchmarkReport
from workbench.benchmark.series import BenchmarkRun
from workbench.counts import counted
from workbench.detection.evaluation import FIGURES, evaluate
from workbench.leaderboard import PUBLISHED

if TYPE_CHECKING:
    from workbench.detection.evaluation import Evaluation

__all__ = ["run_nasa"]

_METRICS = ("esa", "affiliation")
_FURTHER = ("esa_precision", "esa_f0_5", "alarming_precision", "adtqc", "affiliation_f1")
_PROTOCOL = "a labelled sequence is found where an anomaly overlaps it; an anomaly that overlaps none is false"


def run_nasa(run: BenchmarkRun) -> BenchmarkReport:
    """Run the benchmark on the channels that the data label.

    Parameters
    ----------
    run : BenchmarkRun
        What it is run with. Data are in Telemanom's layout, with its labels.

    Returns
    -------
    BenchmarkReport

    Raises
    ------
    ImportDataError, LabelError
        The data are not in that layout, or have no labels.
    """
    session, progress = run.session, run.progress
    session.import_data(run.data, "nasa", progress=progress)
    began = time.perf_counter()
    labelled = [name for name in session.archive.channels() if session.archive.labels(name) is not None]
    session.train(labelled, run.trained, progress=progress)
    judged = session.evaluate(None, run.predicting, run.preset, metrics=_METRICS, progress=progress)
    seconds = time.perf_counter() - began
    measured = [_row(run.detector, judged, group, seconds) for group in judged.rows["group"]]
    pooled = judged.intervals
    pooled = pooled[pooled["group"].eq("all") & pooled["over"].eq("channels")].drop(columns=["group", "over"])
    published = PUBLISHED.rename(columns={"method": "detector"})
    notes = [f"{counted(len(judged.channels), 'labelled channel')}; equal test series are counted once."]
    notes += [f"{name} could not be judged: {reason}" for name, reason in judged.failed.items()]
    return BenchmarkReport(
        name="nasa",
        protocol=_PROTOCOL,
        measured=pd.DataFrame(measured),
        gaming=pd.DataFrame(_blind_rows(run, judged)),
        published=published,
        intervals=pooled,
        notes=tuple(notes),
    )


def _row(detector: str, judged: "Evaluation", group: str, seconds: float) -> dict[str, Any]:
    pooled = judged.rows.set_index("group").loc[group]
    figures = {name: pooled[name] for name in FIGURES}
    own = judged.intervals[judged.intervals["group"].eq(group) & judged.intervals["over"].eq("channels")]
    values = own.set_index("figure")["value"]
    further = {name: float(values[name]) for name in _FURTHER}
    return {"detector": detector, "group": group, **figures, **further, "seconds": seconds if group == "all" else None}


def _blind_rows(run: BenchmarkRun, judged: "Evaluation") -> list[dict[str, Any]]:
    session = run.session
    counted_once = judged.channels[judged.channels["duplicate_of"] == ""]["channel"].tolist()
    infos = {name: session.archive.info(name) for name in counted_once}
    predicted = {name: session.anomalies(name, run.predicting, run.preset) for name in infos}
    lengths = {name: info.n_test for name, info in infos.items()}
    labels = {name: session.archive.labels(name) for name in infos}

    def judge(flags: dict[str, pd.DataFrame]) -> dict[str, float]:
        result = evaluate(flags, labels, lengths, dict.fromkeys(flags, "all"), metrics=_METRICS, resamples=0)
        values = result.intervals.drop_duplicates("figure").set_index("figure")["value"]
        return {name: float(values[name]) for name in (*FIGURES, *_FURTHER)}

    rows = judged.baselines[judged.baselines["group"] == "all"].set_index("baseline")
    others = [
        {"detector": name, **{figure: rows.at[name, figure] for figure in FIGURES}}
        for name in rows.index
        if name != "flag everything"
    ]
    return [
        {"detector": "flag everything", **judge(flag_everything(lengths))},
        *others,
        {"detector": "as many at random places", **mean_of_random(predicted, lengths, judge)},
    ]
