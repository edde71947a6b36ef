"""Finds what to import: the files that paths, folders and patterns such as `days/*.csv` stand for."""

import glob
from collections.abc import Iterable
from pathlib import Path

from workbench.exceptions import ImportDataError

__all__ = ["TABLE_ENDINGS", "find_sources", "find_tables"]

TABLE_ENDINGS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet"}
"""Layout of a table by the ending of its name."""

_ENDINGS_IN_FOLDERS = (".csv", ".tsv", ".parquet")  # a text file in a folder is more often a note than a table


def find_sources(paths: Iterable[Path], layout: str | None = None) -> dict[str, list[Path]]:
    """Return what to import, by layout.

    Parameters
    ----------
    paths : iterable of Path
        Files, folders and patterns. A folder is NASA's layout where it holds `train/<channel>.npy`, else all tables in
        it and below are meant.
    layout : str, optional
        Layout of them all; by the ending of each name where omitted.

    Returns
    -------
    dict of str to list of Path
        Each path once: "nasa", "csv" and "parquet", those that occur.

    Raises
    ------
    ImportDataError
        Nothing matches a pattern, or a folder holds nothing to import.
    """
    sources: dict[str, list[Path]] = {}
    for path in _matching(paths):
        if layout == "nasa" or (layout is None and _is_nasa(path)):
            sources.setdefault("nasa", []).append(path)
            continue
        for table in find_tables([path], None if layout == "lookout" else layout):
            sources.setdefault(layout or TABLE_ENDINGS[table.suffix.lower()], []).append(table)
    return {name: list(dict.fromkeys(files)) for name, files in sources.items()}


def find_tables(paths: Iterable[Path], layout: str | None = None) -> list[Path]:
    """Return the tables that paths stand for.

    Parameters
    ----------
    paths : iterable of Path
        Files, folders and patterns.
    layout : {"csv", "parquet"}, optional
        Layout of the tables that are looked for in folders; both where omitted.

    Returns
    -------
    list of Path
        Each once. A file that is named need not exist.

    Raises
    ------
    ImportDataError
        Nothing matches a pattern, or a folder holds no table.
    """
    tables: list[Path] = []
    for path in _matching(paths):
        if not path.is_dir():
            tables.append(path)
            continue
        inside = [
            file
            for file in sorted(path.rglob("*"))
            if file.suffix.lower() in _ENDINGS_IN_FOLDERS
            and layout in (None, TABLE_ENDINGS[file.suffix.lower()])
            and not any(part.startswith(".") for part in file.relative_to(path).parts)
            and file.is_file()
        ]
        if not inside:
            kind = {"csv": "CSV file", "parquet": "Parquet file", None: "CSV or Parquet file"}[layout]
            raise ImportDataError(f"{path} is a folder that holds no {kind}.", "Give a file or another folder.")
        tables += inside
    return list(dict.fromkeys(tables))


def _matching(paths: Iterable[Path]) -> list[Path]:
    matching: list[Path] = []
    for path in paths:
        if not glob.has_magic(str(path)) or path.exists():
            matching.append(path)
            continue
        files = sorted(glob.glob(str(path), recursive=True))
        if not files:
            raise ImportDataError(f"No file matches {str(path)!r}.", "Check the folder and the ending.")
        matching += [Path(file) for file in files]
    return matching


def _is_nasa(path: Path) -> bool:
    """Tell whether a path is in NASA's layout: no table by its name, or a folder that holds channels or no table."""
    if not path.is_dir():
        return path.suffix.lower() not in TABLE_ENDINGS
    if next(path.rglob("train/*.npy"), None) or next(path.rglob("test/*.npy"), None):
        return True
    return not any(next(path.rglob(f"*{ending}"), None) for ending in _ENDINGS_IN_FOLDERS)
