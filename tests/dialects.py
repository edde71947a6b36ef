"""A known table, written as people write tables: in any of many dialects, with the options that settle how it is read.

One seed makes one `Case`. A feature that is off in `FEATURES` is never written.
"""

import csv
import gzip
import io
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np

__all__ = ["FEATURES", "Case", "Table", "make_case"]

FEATURES = {
    "decimal_comma": True,
    "ambiguous_decimals": True,
    "grouping": True,
    "grouping_by_space": True,
    "grouping_by_apostrophe": True,
    "space_separator": True,
    "space_separator_and_quotes": True,
    "offset": True,
    "local_zone": True,
    "fold": True,
    "ambiguous_dates": True,
    "month_first": True,
    "day_first": True,
    "month_name": True,
    "am_pm": True,
    "compact": True,
    "day_of_year": True,
    "two_digit_year": True,
    "year_first_two_digits": True,
    "iso_week": True,
    "epoch": True,
    "excel": True,
    "clock_apart": True,
    "clock_with_dots": True,
    "clock_without_marks": True,
    "utf_16": True,
    "cp1252": True,
    "no_header": True,
    "comments": True,
    "preamble": True,
    "footer": True,
    "long": True,
    "machines": True,
    "machine_numbers": True,
    "quality": True,
    "quality_numbers": True,
    "sentinels": True,
    "units_in_header": True,
    "units_in_row": True,
    "units_behind_numbers": True,
    "booleans": True,
    "booleans_with_gaps": True,
    "missing_marks": True,
    "missing_told_as_none": True,
    "quoting": True,
    "carriage_returns": True,
    "newest_first": True,
    "names_of_any_script": True,
    "gz": True,
}

_START = datetime(2021, 1, 1, tzinfo=UTC)
_DAYS = 1400
_ZONE = ZoneInfo("Europe/Berlin")
_ASCII_NAMES = ("temp", "load", "flow_rate", "p2", "Speed", "level.a", "vib-x")
_OTHER_NAMES = ("Öl-Druck", "温度", "давление", "temp/out", "flow (main)", "n°1", "x" * 80)
_UNITS = ("°C", "bar", "m/s", "%")


@dataclass(frozen=True)
class Table:
    """What a file holds: for each asset and channel its times (UTC) and values."""

    series: Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]]


@dataclass
class Case:
    """A file in some dialect.

    Attributes
    ----------
    seed : int
        What it was made from.
    name : str
        Name of the file.
    content : bytes
        What stands in it.
    options : dict of str to Any
        Options that settle how it is read.
    table : Table
        What it holds, with these options.
    others : list of Table
        What may be read without them, too: nothing in the file says what the options say.
    about : dict of str to Any
        The dialect, for messages.
    """

    seed: int
    name: str
    content: bytes
    options: dict
    table: Table
    others: list[Table]
    about: dict = field(default_factory=dict)


@dataclass
class _Writer:
    """Draws the dialect of one file, step by step."""

    random: random.Random
    features: Mapping[str, bool]
    about: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)

    def has(self, feature: str, share: float = 0.25) -> bool:
        drawn = self.random.random() < share
        return self.features[feature] and drawn

    def among(self, name: str, plain: Sequence, **by_feature: Sequence) -> object:
        choices = list(plain)
        for feature, more in by_feature.items():
            choices += more if self.features[feature] else []
        self.about[name] = self.random.choice(choices)
        return self.about[name]


def make_case(seed: int, features: Mapping[str, bool] | None = None) -> Case:
    """Write a known table in the dialect of a seed."""
    own = _Writer(random.Random(seed), FEATURES if features is None else features)
    rows = own.random.randint(24, 48)
    separator = own.among("separator", [",", ";", "\t", "|"], space_separator=[" "])
    times, texts, time_header, naive = _times(own, rows, separator)
    marks = _marks(own, separator)
    if own.options.get("time_unit") == "excel":
        texts = [[cell.replace(".", marks.decimal) for cell in row] for row in texts]
    names = _names(own)
    is_long = own.has("long", 0.2)
    kinds = {name: _kind(own, marks, may_be_truth=not is_long) for name in names}
    machines = ["pump"]
    if own.has("machines", 0.2):
        machines = ["P-1", "P-2", "P-3"] if not own.has("machine_numbers", 0.5) else ["101", "102"]
    gaps = not is_long and own.random.random() < 0.4
    mark = _missing_mark(own, separator) if gaps else ""
    sentinel = "-9999" if not is_long and own.has("sentinels", 0.15) else ""
    quality = None
    if not is_long and len(machines) == 1 and own.has("quality", 0.15):
        words = ("192", "0") if own.has("quality_numbers", 0.4) else ("Good", "Bad")
        quality = [words[own.random.random() < 0.15] for _ in range(rows)]
        own.options |= {"quality_column": "quality", "good": [words[0]]}
        own.about["quality"] = words
    has_header = is_long or len(machines) > 1 or quality is not None or not own.has("no_header", 0.15)
    if not has_header:
        kinds = {f"column {len(time_header) + 1 + place}": kinds[name] for place, name in enumerate(names)}
        names = list(kinds)
        time_header = [f"column {1 + place}" for place in range(len(time_header))]
        own.options |= {"header_row": 0, "time_column": time_header}
    channels = {
        (machine, name): _channel(
            own, rows, marks, kinds[name], mark=mark if gaps and place == 0 else None, sentinel=sentinel
        )
        for machine in machines
        for place, name in enumerate(names)
    }
    if sentinel:
        own.options["missing"] = [sentinel]
    units = [own.random.choice(_UNITS) for _ in names]
    header, lines = _lines(
        own,
        times_of=(time_header, texts),
        names=names,
        units=units,
        machines=machines,
        channels=channels,
        quality=quality,
        is_long=is_long,
        separator=separator,
        has_header=has_header,
    )
    content, ending = _text(own, separator, header if has_header else [], lines)
    tables = _tables(times, naive, channels, quality)
    own.about |= {"long": is_long, "machines": machines, "sentinel": sentinel, "missing": mark if gaps else None}
    return Case(seed, f"pump{ending}", content, own.options, tables[0], tables[1:], own.about)


# ---- times


def _times(own: _Writer, rows: int, separator: str) -> tuple[np.ndarray, list[list[str]], list[str], np.ndarray | None]:
    """Draw even times; return them in UTC, their cells, the header, and how the cells read where their zone is lost."""
    step = timedelta(seconds=own.random.choice([1, 10, 60, 300, 900, 3600, 86400]))
    start = _START + timedelta(days=own.random.randrange(_DAYS), minutes=own.random.randrange(1440))
    if not own.features["ambiguous_dates"]:
        start = start.replace(day=own.random.randint(14, 25))
    zone: ZoneInfo | timezone = UTC
    text_of_zone = own.random.choice(["", "", "", "Z"])
    if own.has("offset", 0.15):
        hours = own.random.choice([-5, 1, 2])
        zone, text_of_zone = timezone(timedelta(hours=hours)), own.random.choice(["%z", "%:z"])
    elif own.has("local_zone", 0.2):
        zone, text_of_zone = _ZONE, ""
        own.options["timezone"] = "Europe/Berlin"
    has_fold = zone is _ZONE and own.has("fold", 0.3)
    if has_fold:
        step = timedelta(minutes=own.random.choice([5, 10, 15]))
        start = datetime(2023, 10, 28, 22, 0, tzinfo=UTC)
    stamps = [start + number * step for number in range(rows)]
    if (
        zone is _ZONE
        and not own.about.get("fold")
        and len({stamp.astimezone(zone).utcoffset() for stamp in stamps}) > 1
    ):
        shift = timedelta(days=60 if start.month in (3, 4) else 30)
        stamps = [stamp + shift for stamp in stamps]
    local = [stamp.astimezone(zone) for stamp in stamps]
    utc = np.array([stamp.replace(tzinfo=None) for stamp in stamps], "datetime64[ns]")
    form = own.among(
        "time",
        ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f"],
        day_first=["%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%d-%m-%Y %H:%M:%S", "%d.%m.%Y %H:%M"],
        month_first=["%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M"],
        month_name=["%d-%b-%Y %H:%M:%S", *(["%d %b %Y %H:%M:%S"] if separator != " " else [])],
        am_pm=["%m/%d/%Y %I:%M:%S %p"] if separator != " " else [],
        compact=["%Y%m%d%H%M%S", "%Y%m%dT%H%M%S"],
        day_of_year=["%Y-%jT%H:%M:%S"],
        two_digit_year=["%d.%m.%y %H:%M:%S", "%m/%d/%y %H:%M"],
        year_first_two_digits=["%y-%m-%d %H:%M:%S"],
        iso_week=["%G-W%V-%uT%H:%M:%S"],
        epoch=["s", "ms", "us", "ns"],
        excel=["excel"],
    )
    if not str(form).startswith("%"):
        own.options["time_unit"] = form
        own.options.pop("timezone", None)
        cells = [[_number_of(stamp, str(form))] for stamp in stamps]
        return utc, cells, ["time"], None
    form = str(form)
    if "%S" not in form and step < timedelta(minutes=1):
        form = form.replace("%H:%M", "%H:%M:%S")
    seconds = [stamp.second for stamp in stamps]
    assert "%S" in form or not any(seconds)
    apart = "%f" not in form and text_of_zone == "" and " " in form and own.has("clock_apart", 0.2)
    if apart or (separator == " " and " " in form):
        if not apart:
            local = stamps
            own.options.pop("timezone", None)
        place = max(form.find("%H"), form.find("%I"))
        day, clock = form[: place - 1], form[place:]
        if apart and own.has("clock_with_dots", 0.3):
            clock = clock.replace(":", ".")
        elif apart and "%I" not in clock and own.has("clock_without_marks", 0.2):
            clock = clock.replace(":", "")
        own.options["time_column"] = ["date", "clock"]
        cells = [[stamp.strftime(day), stamp.strftime(clock)] for stamp in local]
        header = ["date", "clock"]
    else:
        zones = {"": "", "Z": "Z", "%z": "%z", "%:z": "%:z"}[text_of_zone]
        takes_zone = form.endswith("%S") or form.endswith("%f")
        if not takes_zone and zones:
            zones, local = "", stamps
        cells = [[stamp.strftime(form) + _zone_text(stamp, zones)] for stamp in local]
        header = [own.random.choice(["time", "timestamp", "Datum/Zeit", "DateTime"])]
        own.options["time_column"] = header
        own.options["time_format"] = form + ("%z" if zones else "")
    for order, directive in (("day", "%d"), ("month", "%m"), ("year", "%y")):
        if form.startswith(directive) and "%b" not in form:
            own.options["date_order"] = order
    own.about |= {"zone": str(zone), "cells": cells[0]}
    naive = None
    if zone is _ZONE:
        naive = np.array([stamp.replace(tzinfo=None) for stamp in local], "datetime64[ns]")
    return utc, cells, header, naive


def _zone_text(stamp: datetime, zones: str) -> str:
    if zones in ("", "Z"):
        return zones
    text = stamp.strftime("%z")
    return text if zones == "%z" else f"{text[:3]}:{text[3:]}"


def _number_of(stamp: datetime, unit: str) -> str:
    seconds = int(stamp.timestamp())
    if unit == "excel":
        return f"{seconds / 86400 + 25569:.8f}"
    return str(seconds) + {"s": "", "ms": "000", "us": "000000", "ns": "000000000"}[unit]


# ---- numbers and names


@dataclass(frozen=True)
class _Marks:
    decimal: str
    thousands: str


def _marks(own: _Writer, separator: str) -> _Marks:
    decimal = own.among("decimal", ["."], decimal_comma=[","])
    other = "," if decimal == "." else "."
    thousands = own.among(
        "thousands",
        ["", ""],
        grouping=[other],
        grouping_by_space=[" ", "\u00a0", "\u202f"] if separator != " " else [],
        grouping_by_apostrophe=["'"],
    )
    if separator == " " and decimal == ",":
        decimal = "."
        thousands = "" if thousands == "." else thousands
    own.options |= {"separator": separator, "decimal": decimal}
    own.options["thousands"] = "space" if str(thousands).isspace() else thousands or "none"
    return _Marks(str(decimal), str(thousands))


def _names(own: _Writer) -> list[str]:
    names = [*_ASCII_NAMES, *(_OTHER_NAMES if own.features["names_of_any_script"] else ())]
    own.random.shuffle(names)
    return names[: own.random.randint(1, 3)]


def _missing_mark(own: _Writer, separator: str) -> str:
    marks = [""] if separator != " " else ["NaN"]
    marks += ["NaN", "null", "n/a", "-", "---"] if own.features["missing_marks"] else []
    marks += (
        ["None", "NULL", "#N/A", "Bad Input"][: 3 if separator == " " else 4]
        if own.features["missing_told_as_none"]
        else []
    )
    return own.random.choice(marks)


def _kind(own: _Writer, marks: _Marks, *, may_be_truth: bool) -> tuple[float, int]:
    """Draw the size and the decimals of the values of a channel; size 0 where they are true and false."""
    size = own.random.choice([1.0, 30.0, 900.0, 25_000.0, 3_000_000.0])
    decimals = own.random.choice([0, 1, 2, 3, 4])
    if decimals == 3 and marks.decimal == "," and not own.features["ambiguous_decimals"]:
        decimals = 2
    if own.has("booleans", 0.1) and may_be_truth:
        return 0.0, 0
    return (30.0 if decimals == 0 and size < 30 else size), decimals


def _channel(
    own: _Writer, rows: int, marks: _Marks, kind: tuple[float, int], *, mark: str | None, sentinel: str
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Draw a channel: its cells, its values, and these with a sentinel as the number that it looks like."""
    size, decimals = kind
    is_truth = size == 0
    gaps = mark is not None and (not is_truth or own.features["booleans_with_gaps"])
    cells, values, raw = [], [], []
    for _ in range(rows):
        if is_truth:
            value = float(own.random.random() < 0.5)
            text = ("false", "true")[int(value)]
        else:
            value = round(own.random.uniform(-0.3, 1) * size, decimals)
            text = _number_text(value, decimals, marks)
        if gaps and own.random.random() < 0.12:
            cells.append(str(mark))
            values.append(np.nan)
            raw.append(np.nan)
        elif sentinel and not is_truth and own.random.random() < 0.1:
            cells.append(sentinel)
            values.append(np.nan)
            raw.append(float(sentinel))
        else:
            cells.append(text)
            values.append(value)
            raw.append(value)
    return cells, np.array(values), np.array(raw)


def _number_text(value: float, decimals: int, marks: _Marks) -> str:
    text = f"{value:,.{decimals}f}"
    return text.replace(",", "\0").replace(".", marks.decimal).replace("\0", marks.thousands)


# ---- the file


def _lines(
    own: _Writer,
    *,
    times_of: tuple[list[str], list[list[str]]],
    names: list[str],
    units: list[str],
    machines: list[str],
    channels: Mapping[tuple[str, str], tuple[list[str], np.ndarray, np.ndarray]],
    quality: list[str] | None,
    is_long: bool,
    separator: str,
    has_header: bool,
) -> tuple[list[str], list[list[str]]]:
    time_header, times = times_of
    has_machines = len(machines) > 1
    if has_machines:
        own.options["asset_column"] = "machine"
    machine = ["machine"] if has_machines else []
    lines: list[list[str]] = []
    if is_long:
        own.options |= {"channel_column": "tag", "value_column": "value"}
        for row, time in enumerate(times):
            for own_machine in machines:
                lines += [
                    [*time, *([own_machine] if has_machines else []), name, channels[own_machine, name][0][row]]
                    for name in names
                ]
        return [*time_header, *machine, "tag", "value"], lines
    shown = [f"{name} [{unit}]" for name, unit in zip(names, units, strict=True)]
    header = shown if has_header and separator != " " and own.has("units_in_header", 0.3) else names
    is_behind = header is names and separator != " " and own.has("units_behind_numbers", 0.1)
    behind = [f" {unit}" if is_behind else "" for unit in units]
    if has_header and header is names and not is_behind and own.has("units_in_row", 0.15):
        lines.append([""] * len(time_header) + [""] * len(machine) + units + ([""] if quality else []))
        own.about["units_row"] = True
    for row, time in enumerate(times):
        for own_machine in machines:
            cells = [channels[own_machine, name][0][row] for name in names]
            cells = [
                cell + unit if np.isfinite(channels[own_machine, name][1][row]) and cell[-1].isdigit() else cell
                for cell, unit, name in zip(cells, behind, names, strict=True)
            ]
            own_quality = [quality[row]] if quality else []
            lines.append([*time, *([own_machine] if has_machines else []), *cells, *own_quality])
    if own.has("newest_first", 0.15):
        first = 1 if own.about.get("units_row") else 0
        lines[first:] = lines[first:][::-1]
        own.about["newest_first"] = True
    return [*time_header, *machine, *header, *(["quality"] if quality else [])], lines


def _text(own: _Writer, separator: str, header: list[str], lines: list[list[str]]) -> tuple[bytes, str]:
    end = own.random.choice(["\n", "\n", "\r\n", "\r"] if own.features["carriage_returns"] else ["\n"])
    may_quote = separator != " " or own.features["space_separator_and_quotes"]
    quoting = csv.QUOTE_ALL if own.has("quoting", 0.2) and may_quote else csv.QUOTE_MINIMAL
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator, lineterminator=end, quoting=quoting)
    before = []
    if own.has("comments", 0.15):
        before = ["# made by a logger", "# serial 4711"]
    elif own.has("preamble", 0.15):
        before = ["Logger XR-7", "Serial number: 4711", ""][: own.random.randint(1, 3)]
    stream.write("".join(line + end for line in before))
    if header:
        writer.writerow(header)
        if before and not before[0].startswith("#"):
            own.options["header_row"] = len(before) + 1
    writer.writerows(lines)
    if own.has("footer", 0.1):
        stream.write(f"End of data{end}")
        own.about["footer"] = True
    text = stream.getvalue()
    encodings = ["utf-8", "utf-8", "utf-8-sig", *(["utf-16"] if own.features["utf_16"] else [])]
    encoding = own.random.choice(encodings)
    if own.has("cp1252", 0.1):
        encoding = "cp1252"
    try:
        content = text.encode(encoding)
    except UnicodeEncodeError:
        content, encoding = text.encode("utf-8"), "utf-8"
    own.about |= {"encoding": encoding, "before": before, "end": end, "header": header}
    ending = {"\t": ".tsv", ",": ".csv"}.get(separator, own.random.choice([".csv", ".txt"]))
    if own.has("gz", 0.1):
        return gzip.compress(content), f"{ending}.gz"
    return content, ending


def _tables(
    times: np.ndarray,
    naive: np.ndarray | None,
    channels: Mapping[tuple[str, str], tuple[list[str], np.ndarray, np.ndarray]],
    quality: list[str] | None,
) -> list[Table]:
    """Return the table, and those that a reader may take the file for who knows neither zone nor sentinel."""
    bad = np.array([word in ("Bad", "0") for word in quality]) if quality else np.zeros(len(times), dtype=bool)
    tables = [Table({key: (times, np.where(bad, np.nan, values)) for key, (_, values, _) in channels.items()})]
    clock = times if naive is None else naive
    for is_judged in (True, False):
        for place in (1, 2):
            series = {key: (clock, np.where(bad & is_judged, np.nan, one[place])) for key, one in channels.items()}
            tables.append(Table(series))
    return tables
