"""Tells by its first bytes what a file is, so that one that is not read is refused under its own name."""

import codecs
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from workbench.exceptions import ImportDataError

__all__ = ["LAYOUT_WORDS", "check_content"]

LAYOUT_WORDS = {
    "csv": "delimited text",
    "parquet": "a Parquet file",
    "feather": "an Arrow or Feather file",
    "xlsx": "an Excel workbook",
    "json": "JSON records",
    "hdf5": "an HDF5 or NetCDF file",
}
"""What the files of a layout are, by its name."""

_EXPORT = "Export it as CSV, Parquet or .xlsx, and import that."
_UNPACK = "Unpack it, and import what it holds."
_START_BYTES = 1024


@dataclass(frozen=True)
class _Kind:
    """What a file is: the layout that reads it, or else what to do."""

    words: str
    layout: str = ""
    advice: str = _EXPORT


_FIELD = rb'[^\s,=]+=(?:-?[\d.eE+-]+[iu]?|"[^"\n]*"|[tTfF]\w*)'
_LINE_PROTOCOL = (
    rb"(?:#[^\n]*\n|\n)*(?:[^\s,=\\]|\\.)+(?:,[^\s,=]+=(?:[^\s,=\\]|\\.)+)* "
    + _FIELD
    + rb"(?:,"
    + _FIELD
    + rb")*(?: -?\d{9,20})?\r?\n"
)
"""A line of measurement, tags, fields and time, as `pump,host=a temp=20.5 1714550400000000000`."""

_SAMPLE = rb"[A-Za-z_:][\w:]*(?:\{[^}\n]*\})? [-+]?(?:[\d.]+(?:[eE][+-]?\d+)?|Inf|NaN)(?: \d{10,13})?\r?\n"
_EXPOSITION = rb"# (?:HELP|TYPE) [A-Za-z_:][\w:]* |(?:" + _SAMPLE + rb")*?[A-Za-z_:][\w:]*\{\w+=\"[^\n]*\"\} [-\dIN]"
"""Lines of a Prometheus exporter, as `pump_temp_celsius{pump="7"} 20.5`, one of them with a label."""

_KINDS = (
    (rb"PAR1", _Kind("a Parquet file", "parquet")),
    (rb"ARROW1\0\0|FEA1", _Kind("an Arrow or Feather file", "feather")),
    (rb"MATLAB 7\.3", _Kind("a MATLAB file (.mat)", advice="Export it in MATLAB: writetable(table, 'name.csv').")),
    (rb"MATLAB 5\.0", _Kind("a MATLAB file (.mat)", advice="Export it in MATLAB: writetable(table, 'name.csv').")),
    (rb"\x89HDF\r\n\x1a\n", _Kind("an HDF5 file", "hdf5")),
    (rb"CDF[\x01\x02\x05]", _Kind("a NetCDF file", "hdf5")),
    (rb"\xd0\xcf\x11\xe0", _Kind("an old Excel workbook (.xls) or Office document", advice="Save it as .xlsx or CSV.")),
    (rb"\x1f\x8b", _Kind("compressed with gzip", advice="Let its name end in .gz, for example pump.csv.gz.")),
    (rb"BZh\d", _Kind("compressed with bzip2", advice="Let its name end in .bz2, for example pump.csv.bz2.")),
    (rb"\xfd7zXZ", _Kind("compressed with xz", advice="Let its name end in .xz, for example pump.csv.xz.")),
    (rb"\x28\xb5\x2f\xfd", _Kind("compressed with zstd", advice="Let its name end in .zst, for example pump.csv.zst.")),
    (rb".{257}ustar", _Kind("a tar archive", advice=_UNPACK)),
    (rb"7z\xbc\xaf", _Kind("a 7-Zip archive", advice=_UNPACK)),
    (rb"Rar!", _Kind("a RAR archive", advice=_UNPACK)),
    (rb"SQLite format 3", _Kind("an SQLite database", advice="Export its table as CSV or Parquet, and import that.")),
    (rb"TDSm", _Kind("a LabVIEW TDMS file")),
    (rb"MDF {5}", _Kind("an ASAM MDF recording")),
    (rb"Obj\x01", _Kind("an Avro file")),
    (rb"ORC", _Kind("an ORC file")),
    (rb"\x93NUMPY", _Kind("a NumPy array (.npy)", advice="Export it as CSV with its times.")),
    (rb"\x80[\x02-\x05]", _Kind("a Python pickle", advice="It is never opened. Export it as CSV or Parquet.")),
    (rb"%PDF", _Kind("a PDF document", advice="Export the data as CSV.")),
    (rb"\x89PNG|\xff\xd8\xff|GIF8", _Kind("a picture", advice="Export the data as CSV.")),
    (
        rb"(?i)\s*<(?:!doctype html|html)",
        _Kind("a web page", advice="Get the file itself."),
    ),
    (rb"\s*<\?xml", _Kind("an XML document")),
    (rb'(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{\s*"', _Kind("JSON", "json")),
    (
        _EXPOSITION,
        _Kind(
            "text of a Prometheus exporter", advice="Ask the server for a range of time: /api/v1/query_range (JSON)."
        ),
    ),
    (
        _LINE_PROTOCOL,
        _Kind("InfluxDB line protocol", advice="Export it as annotated CSV: influx query --raw 'from(bucket: ...)'."),
    ),
)


def check_content(path: Path, plain: Path, layout: str) -> None:
    """Raise an error where the content of a file is not what its layout says.

    Parameters
    ----------
    path : Path
        File that is imported.
    plain : Path
        Its content, unpacked.
    layout : str
        How it is to be read, a key of `LAYOUT_WORDS`.

    Raises
    ------
    ImportDataError
        It is something else; says what, and what would be right.
    """
    try:
        with plain.open("rb") as file:
            start = file.read(_START_BYTES)
    except OSError as error:
        raise ImportDataError(f"{path} cannot be read: {error.strerror or error}.", "Give a file.") from None
    kind = next((kind for pattern, kind in _KINDS if re.match(pattern, start, re.DOTALL)), None)
    if start.startswith(b"PK\x03\x04"):
        kind = _zipped_kind(plain)
    if kind is None and _is_other_text(start, layout):
        kind = _Kind("text", "csv")
    if kind is None or kind.layout == layout:
        return
    hint = (
        f"Let its name have the ending of its format, or pass --layout {kind.layout}." if kind.layout else kind.advice
    )
    raise ImportDataError(f"{path} is {kind.words}, not {LAYOUT_WORDS[layout]}.", hint)


def _is_other_text(start: bytes, layout: str) -> bool:
    """Tell whether a file begins as text, though its layout is another one."""
    if layout == "csv" or not start or (layout == "json" and start.lstrip()[:1] in (b"{", b"[", b"")):
        return False
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return all(sign.isprintable() or sign in "\t\r\n\ufeff" for sign in text)


def _zipped_kind(path: Path) -> _Kind:
    try:
        with zipfile.ZipFile(path) as bundle:
            names = bundle.namelist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return _Kind("a zip archive that is damaged", "xlsx", "Get it again.")
    if any(name.startswith("xl/") for name in names):
        return _Kind("an Excel workbook", "xlsx")
    if any(name.startswith(("word/", "ppt/")) for name in names):
        return _Kind("an Office document", advice="Export the table as CSV or .xlsx.")
    if "content.xml" in names:
        return _Kind("an OpenDocument file", advice="Save it as .xlsx or CSV.")
    if any(name.endswith(".npy") for name in names):
        return _Kind("an archive of NumPy arrays", advice="NASA's layout is read with --layout nasa; else export CSV.")
    return _Kind("a zip archive", advice="Let its name end in .zip where it holds one table; else unpack it.")
