"""Runs a benchmark by its name, in a home that is thrown away or kept."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from workbench.benchmark.nab import run_nab
from workbench.benchmark.nasa import run_nasa
from workbench.benchmark.nominal import run_nominal
from workbench.benchmark.report import BenchmarkReport
from workbench.benchmark.series import BenchmarkRun
from workbench.benchmark.skab import run_skab
from workbench.exceptions import SettingsError
from workbench.session import open_session

__all__ = ["BENCHMARKS", "run_benchmark"]

_IN_A_HOME: dict[str, Callable[[BenchmarkRun], BenchmarkReport]] = {
    "nasa": run_nasa,
    "nab": run_nab,
    "nominal": run_nominal,
}
BENCHMARKS = ("nasa", "skab", "nab", "nominal")
"""Names of the benchmarks."""


def run_benchmark(
    name: str,
    data: Path,
    *,
    home: Path | None = None,
    forecaster: str = "ridge",
    preset: str | None = None,
    progress: bool = False,
) -> BenchmarkReport:
    """Run a benchmark by its own protocol.

    Parameters
    ----------
    name : {"nasa", "skab", "nab", "nominal"}
        The benchmark.
    data : Path
        Its data, a zip or folder.
    home : Path, optional
        Folder that keeps models and scores, so that a run that was stopped goes on; thrown away where omitted.
    forecaster : str
        Forecaster to train, or "preset" for those that the preset names; skab judges whole assets and trains none.
    preset : str, optional
        Detection preset; that of the settings where omitted.
    progress : bool
        Show bars.

    Returns
    -------
    BenchmarkReport

    Raises
    ------
    SettingsError
        There is no such benchmark, forecaster or preset.
    ImportDataError
        The data are not those of the benchmark.
    """
    if name not in BENCHMARKS:
        raise SettingsError(f"There is no benchmark {name!r}.", f"Known: {', '.join(BENCHMARKS)}.")
    if name == "skab":
        return run_skab(data, progress=progress)
    if home is not None:
        return _run_in(home, name, data, forecaster, preset, progress)
    with tempfile.TemporaryDirectory(prefix="workbench-benchmark-") as folder:
        return _run_in(Path(folder), name, data, forecaster, preset, progress)


def _run_in(home: Path, name: str, data: Path, forecaster: str, preset: str | None, progress: bool) -> BenchmarkReport:
    with open_session(home=home) as session:
        run = BenchmarkRun(session, data, forecaster, preset, progress)
        session.check_settings(forecaster=run.trained, preset=preset)
        return _IN_A_HOME[name](run)
