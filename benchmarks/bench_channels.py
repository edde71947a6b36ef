"""A page by the number of channels: what its kernel computes until its first view stands, and what it sends.

`CHANNELS=24,82 python -m benchmarks bench_channels` takes other numbers; `HOMES=FOLDER` keeps the homes.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import workbench as wb
from benchmarks.wide_home import make_wide_home
from workbench.views.shell import Shell

CHANNELS = [int(number) for number in os.environ.get("CHANNELS", "24,82,1000,10000").split(",")]
TIMES = 5
LIMITS = {1000: 1.3, 10_000: 3.0}
REFERENCE = 82


def _page(home: Path) -> dict[str, float]:
    """Open a page as a kernel of the dashboard does: CPU seconds by step, and letters of HTML."""
    steps = {}
    with wb.open(home=home) as session:
        began = time.process_time()
        shell = Shell(session)
        steps["made"] = time.process_time() - began
        began = time.process_time()
        shell.visit("", "")
        steps["visited"] = time.process_time() - began
        began = time.process_time()
        shell.refresh()
        steps["refreshed"] = time.process_time() - began
        steps["opened"] = steps["made"] + steps["visited"]
        steps["letters"] = float(sum(len(getattr(one, "html", "")) for one in _grids(shell.widget)))
        shell.close()
    return steps


def _grids(root: Any) -> list[Any]:
    return [root] + [grid for child in getattr(root, "children", ()) for grid in _grids(child)]


def run() -> list[dict[str, Any]]:
    """Measure each size in turn, so that what else the machine does falls on all of them."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(os.environ.get("HOMES", temporary))
        homes = {count: folder / f"home-{count}" for count in CHANNELS}
        for count, home in homes.items():
            if not home.exists():
                home.mkdir(parents=True)
                make_wide_home(home, count)
        _page(homes[CHANNELS[0]])  # loads what a warm kernel has loaded
        found: dict[int, list[dict[str, float]]] = {count: [] for count in homes}
        for _ in range(TIMES):
            for count, home in homes.items():
                found[count].append(_page(home))
        least = {count: {step: min(run[step] for run in runs) for step in runs[0]} for count, runs in found.items()}
    for count, steps in least.items():
        for step, words in (
            ("opened", "page opened"),
            ("visited", "of it, once the reader asks"),
            ("refreshed", "read again"),
        ):
            rows.append(_row(f"{words}, {count:,} channels, CPU", steps[step] * 1000, "ms"))
        rows.append(_row(f"HTML of grids, {count:,} channels", steps["letters"] / 1000, "kB"))
        if count in LIMITS and REFERENCE in least:
            ratio = steps["opened"] / least[REFERENCE]["opened"]
            rows.append(_row(f"page opened, {count:,} channels against {REFERENCE}", ratio, "x", LIMITS[count]))
    return rows


def _row(name: str, value: float, unit: str, target: float | None = None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "ok": target is None or value <= target}
