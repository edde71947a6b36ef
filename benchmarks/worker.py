"""What runs in a benchmark's own process."""

import importlib
from typing import Any

COLUMNS = ("name", "value", "unit", "target", "ok")


def run_module(name: str) -> list[dict[str, Any]]:
    """Import one benchmark, run it and check its rows."""
    rows: list[dict[str, Any]] = importlib.import_module(f"benchmarks.{name}").run()
    for row in rows:
        missing = set(COLUMNS) - set(row)
        if missing:
            raise KeyError(f"{name}: a row lacks {sorted(missing)}: {row}")
    return rows
