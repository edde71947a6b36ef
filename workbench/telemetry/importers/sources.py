"""Finds what to import: the files that paths, folders and patterns such as `days/*.csv` stand for."""

import glob
import zipfile
from collections.abc import Iterable
from pathlib import Path

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.unpacking import PACKED_ENDINGS, inner_name

__all__ = ["TABLE_ENDINGS", "find_sources", "find_tables", "layout_of"]

TABLE_ENDINGS = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".dat", ".log", ".lvm"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".feather", ".arrow", ".ipc"), "feather"),
    **dict.fromkeys((".xlsx", ".xlsm"), "xlsx"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "json"),
    **dict.fromkeys((".h5", ".hdf5", ".hdf", ".nc", ".nc4", ".cdf"), "hdf5"),
}
"""Layout of a table by the ending of its name; compressed files have one more, see `layout_of`."""

_ENDINGS_IN_FOLDERS = (".csv", ".tsv", ".parquet", ".pq", ".feather", ".arrow", ".jsonl", ".ndjson")
_OTHER_ENDINGS_IN_FOLDERS = (".xlsx", ".xlsm", ".h5", ".hdf5", ".nc", ".nc4", ".dat", ".lvm")
# text, logs and JSON in a folder are more often notes and settings than tables


def layout_of(path: Path) -> str | None:
    """Return the layout of a table by its name, without the ending of a compressed file.

    Parameters
    ----------
    path : Path
        File, which need not exist.

    Returns
    -------
    str or None
        None where the name does not say it.

    Examples
    --------
    >>> layout_of(Path("pump.csv.gz")), layout_of(Path("pump.XLSX")), layout_of(Path("pump.png"))
    ('csv', 'xlsx', None)
    """
    layout = TABLE_ENDINGS.get(Path(inner_name(path)).suffix.lower())
    return layout or ("csv" if path.suffix.lower() in PACKED_ENDINGS and path.suffix.lower() != ".zip" else None)


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
        Each path once, by the layouts that occur: "nasa" and those of `TABLE_ENDINGS`. A file whose name says nothing
        is taken for "csv".

    Raises
    ------
    ImportDataError
        Nothing matches a pattern, a folder holds nothing to import, or a path is a pipe or a device.
    """
    sources: dict[str, list[Path]] = {}
    for path in _matching(paths):
        if layout == "nasa" or (layout is None and _is_nasa(path)):
            sources.setdefault("nasa", []).append(path)
            continue
        for table in find_tables([path], None if layout == "lookout" else layout):
            sources.setdefault(layout or layout_of(table) or "csv", []).append(table)
    return {name: list(dict.fromkeys(files)) for name, files in sources.items()}


def find_tables(paths: Iterable[Path], layout: str | None = None) -> list[Path]:
    """Return the tables that paths stand for.

    Parameters
    ----------
    paths : iterable of Path
        Files, folders and patterns.
    layout : str, optional
        Layout of the tables that are looked for in folders; any where omitted.

    Returns
    -------
    list of Path
        Each once. A file that is named need not exist.

    Raises
    ------
    ImportDataError
        Nothing matches a pattern, a folder holds no table, or a path is a pipe or a device.
    """
    tables: list[Path] = []
    for path in _matching(paths):
        if not path.is_dir():
            tables.append(path)
            continue
        inside = _tables_in(path, layout)
        if not inside:
            kind = {"csv": "CSV file", "parquet": "Parquet file", None: "CSV or Parquet file, nor another table"}
            words = kind.get(layout, f"file of the layout {layout}")
            raise ImportDataError(f"{path} is a folder that holds no {words}.", "Give a file or another folder.")
        tables += inside
    return list(dict.fromkeys(tables))


def _tables_in(folder: Path, layout: str | None) -> list[Path]:
    """Return the tables of a folder; workbooks and recordings only where nothing else is there."""
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if layout in (None, layout_of(file))
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
    ]
    usual = [file for file in files if _ending(file) in _ENDINGS_IN_FOLDERS]
    return usual or [file for file in files if _ending(file) in _OTHER_ENDINGS_IN_FOLDERS]


def _ending(file: Path) -> str:
    return Path(inner_name(file)).suffix.lower()


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
    for path in matching:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ImportDataError(f"{path} is a pipe or a device, not a file.", "Save what it holds as a file first.")
    return matching


def _is_nasa(path: Path) -> bool:
    """Tell whether a path is in NASA's layout: a zip or folder that holds channels, or a folder that holds no table."""
    if not path.is_dir():
        return layout_of(path) is None and _is_zip_of_channels(path)
    if next(path.rglob("train/*.npy"), None) or next(path.rglob("test/*.npy"), None):
        return True
    return not _tables_in(path, None)


def _is_zip_of_channels(path: Path) -> bool:
    """Tell whether a file is a zip with arrays, or may be one: it is damaged, or not there."""
    try:
        with zipfile.ZipFile(path) as bundle:
            return any(name.endswith(".npy") for name in bundle.namelist())
    except FileNotFoundError:
        return True
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return path.suffix.lower() == ".zip"
