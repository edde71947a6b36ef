"""Run every benchmark beside its target: `python -m benchmarks [NAME ...] [--json PATH]`.

A benchmark is a module `bench_*.py` here with `run() -> list[dict]`; each row holds `name`, `value`, `unit`,
`target` and `ok`. Every module runs in a fresh process, so that memory is its own and a crash stops nobody else.
A missed target is shown and counted, but only a crash makes the exit code 1: figures belong to the machine.
"""

import argparse
import json
import multiprocessing
import os
import pkgutil
import platform
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.worker import COLUMNS, run_module


def in_fresh_process(name: str) -> tuple[list[dict[str, Any]], BaseException | None]:
    """Run one benchmark in a process of its own: its rows, and what it died of, if it did."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        future = pool.submit(run_module, name)
        error = future.exception()
        return ([] if error else future.result()), error


def text(value: Any) -> str:
    """Show a cell: three significant digits for numbers, yes or no for `ok`."""
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return "" if value is None else str(value)


def table(rows: list[dict[str, Any]]) -> str:
    """Lay the rows out in columns, numbers to the right."""
    cells = [COLUMNS, *(tuple(text(row[column]) for column in COLUMNS) for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(COLUMNS))]
    aligned = [
        "  ".join(
            cell.rjust(width) if i == 1 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]
    return "\n".join(line.rstrip() for line in [aligned[0], "-" * len(aligned[0]), *aligned[1:]])


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks asked for and print one table."""
    available = sorted(
        m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if m.name.startswith("bench_")
    )
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed and memory beside their targets.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run (default: all): {', '.join(available)}")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the rows and the machine here")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(available))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(available)}")

    machine = {
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "system": platform.system(),
    }
    rows: list[dict[str, Any]] = []
    crashed: list[str] = []
    for name in options.names or available:
        print(f"{name} ...", file=sys.stderr, flush=True)
        found, error = in_fresh_process(name)
        rows += found
        if error is not None:
            crashed.append(name)
            traceback.print_exception(error)

    print(f"{machine['system']} {machine['machine']}, {machine['cpus']} CPUs, Python {machine['python']}\n")
    print(table(rows))
    missed = sum(row["ok"] is False for row in rows)
    print(f"\n{len(rows)} figures, {missed} below target" + (f"; crashed: {', '.join(crashed)}" if crashed else ""))
    if options.json is not None:
        options.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n", encoding="utf-8")
    return 1 if crashed else 0


if __name__ == "__main__":
    sys.exit(main())
