"""Start-up, and the main job on all of NASA's channels, each in a process of its own."""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SHARED = Path(__file__).parents[2] / "shared" / "nasa" / "smap_msl.zip"

_TIMED = """
import resource, sys, time
began = time.perf_counter()
{code}
loaded = sorted({{"tensorflow", "mlflow"}} & set(sys.modules))
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, *loaded)
"""


def _timed(code, repeats=5):
    """Median seconds, largest peak memory in MiB, and which heavy packages were loaded."""
    runs = []
    for _ in range(repeats):
        command = [sys.executable, "-c", _TIMED.format(code=code)]
        runs.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    return statistics.median(float(run[0]) for run in runs), max(float(run[1]) for run in runs), runs[0][2:]


def _row(name, value, unit, limit=None):
    target = "" if limit is None else f"< {limit:g}"
    return {"name": name, "value": value, "unit": unit, "target": target, "ok": limit is None or value < limit}


def run():
    """Measure on a home that holds NASA's channels with a ridge model each."""
    with tempfile.TemporaryDirectory() as folder:
        begin = f"import workbench as wb; session = wb.open(home={folder!r}); "
        imported = _timed(begin + f"session.import_data({str(SHARED)!r}, 'nasa')", 1)
        trained = _timed(begin + "session.train(forecaster='ridge')", 1)
        package = _timed("import workbench")
        first = _timed(begin + "session.channel('P-1').load()")
        scored = _timed(begin + "assert (session.score_all(force=True)['status'] == 'scored').all()", 3)
        again = _timed(begin + "assert (session.score_all()['status'] == 'current').all()", 3)
        overview = _timed(begin + "assert len(session.overview()) == 82", 3)
    heavy = len(package[2]) + len(first[2]) + len(scored[2])
    return [
        _row("import workbench", package[0], "s", 0.3),
        _row("wb.open() and the first channel", first[0], "s", 1),
        _row("heavy packages loaded by either or by scoring", heavy, "", 1),
        _row("import of NASA's 82 channels", imported[0], "s"),
        _row("training of 82 ridge models", trained[0], "s"),
        _row("score of 82 channels with ridge", scored[0], "s", 60),
        _row("score of 82 channels with ridge, peak memory", scored[1], "MiB", 600),
        _row("score of 82 channels that are current", again[0], "s"),
        _row("overview of 82 channels", overview[0], "s"),
    ]


if __name__ == "__main__":
    for row in run():
        print(row)
