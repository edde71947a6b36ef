"""Files of many forms, and the page of the guide that shows what becomes of each.

`python -m tests.many_forms` writes the table of the page anew; `tests/test_many_forms.py` holds it true. A row is added
to `FORMS`: what the file is, its name, its content and the options that it needs.
"""

import gzip
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from workbench.cli.reading_options import options_text
from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.encodings import find_encoding

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "files-of-many-forms.md"
HEAD = "| # | form | its first lines | options | what becomes of it |\n|---|---|---|---|---|\n"
N = 60
START = datetime(2024, 3, 14, 10)


@dataclass(frozen=True)
class Form:
    """A file of one form.

    Attributes
    ----------
    what : str
        What makes it different.
    name : str
        Name of the file.
    content : str or callable
        Text of the file, or what writes it to a path.
    options : mapping of str to Any
        Options that it needs.
    """

    what: str
    name: str
    content: str | Callable[[Path], object]
    options: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write the file into a folder, and return its path."""
        path = folder / self.name
        if callable(self.content):
            self.content(path)
        else:
            path.write_text(self.content, encoding="utf-8", newline="")
        return path


def lines(header: str, row: str, clock: str = "%Y-%m-%dT%H:%M:%SZ", *, n: int = N, end: str = "\n") -> str:
    """Return a table: `row` is filled with the time, values `a` and `b`, a `mode` and a `state`."""
    rows = [header] if header else []
    for i in range(n):
        stamp = (START + timedelta(minutes=i)).strftime(clock)
        mode, state = "run" if i % 20 else "idle", "fault" if 40 <= i < 44 else "normal"
        rows.append(row.format(time=stamp, a=20 + i / 4, b=1000 + i * 7, mode=mode, state=state))
    return end.join(rows) + end


def _comma(text: str) -> str:
    return text.replace(".", ",")


def _utf16(path: Path) -> None:
    path.write_text(PLAIN, encoding="utf-16")


def _parquet(path: Path) -> None:
    time = pd.date_range(START, periods=N, freq="min", tz="Europe/Berlin")
    pd.DataFrame({"time": time, "flow": np.arange(N) / 2}).to_parquet(path, index=False)


def _gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(PLAIN.encode(), mtime=0))


def _gbk(path: Path) -> None:
    path.write_bytes(lines("时间,轴承温度", "{time},{a}", "%Y年%m月%d日 %H:%M").encode("gbk"))


def _sheets(path: Path) -> None:
    time = pd.date_range(START, periods=N, freq="min")
    with pd.ExcelWriter(path, engine="xlsxwriter") as book:
        pd.DataFrame({"Plant report": ["March"]}).to_excel(book, sheet_name="Cover", index=False)
        for number in (1, 2):
            frame = pd.DataFrame({"time": time, "temp": np.arange(N) / 4 + 20 * number})
            frame.to_excel(book, sheet_name=f"Pump {number}", index=False)


def _prometheus(path: Path) -> None:
    first = int(START.replace(tzinfo=UTC).timestamp())
    values = [[first + 60 * n, str(20 + n / 4)] for n in range(N)]
    series = [{"metric": {"__name__": "temp", "instance": name}, "values": values} for name in ("pump 1", "pump 2")]
    path.write_text(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": series}}))


def _days(clock: str) -> str:
    """Return a table with a row for every six hours, which fill days 1 to 12 of March."""
    first = datetime(2024, 3, 1)
    return "time,temp\n" + "".join(f"{first + timedelta(hours=6 * n):{clock}},{n / 4}\n" for n in range(48))


DOTS = "%d/%m/%Y;%H.%M.%S"
STAMPS = [f"{START + timedelta(minutes=n):%Y-%m-%d %H:%M:%S}" for n in range(N)]
LONG = "tag,timestamp,value,unit\n" + "".join(
    f"P1.TEMP,{time},{70 + n / 4},degC\nP1.FLOW,{time},{n % 9},m3/h\n" for n, time in enumerate(STAMPS)
)
MACHINES = "datetime,machineID,volt\n" + "".join(
    f"{time},{machine},{100 * machine + n}\n" for machine in (1, 2, 3) for n, time in enumerate(STAMPS[:30])
)
PAIRS = "Time1,A,Time2,B\n" + "".join(
    f"{time},{n},{START + timedelta(minutes=n + 5):%Y-%m-%d %H:%M:%S},{n * 2}\n" for n, time in enumerate(STAMPS)
)
THOUSANDS = "time,load\n" + "".join(f'{time},"{970 + n:,}"\n' for n, time in enumerate(STAMPS))
SENTINEL = "time,temp\n" + "".join(f"{time},{-9999 if n % 20 == 7 else 20 + n / 8}\n" for n, time in enumerate(STAMPS))
TOA5 = (
    '"TOA5","Station 4","CR1000","4711","CR1000.Std.27","CPU:mast.CR1","1234","Table1"\n'
    '"TIMESTAMP","RECORD","AirTC_Avg","WS_ms"\n"TS","RN","Deg C","m/s"\n"","","Avg","Smp"\n'
) + "".join(f'"{time}",{n},{n / 4},{n % 9}\n' for n, time in enumerate(STAMPS))
QUALITY = "time,temp,temp_quality\n" + "".join(
    f"{time},{999 if n % 20 == 7 else n / 4},{24 if n % 20 == 7 else 192}\n" for n, time in enumerate(STAMPS)
)
PLAIN = lines("time,temp,flow", "{time},{a},{b}")
LOCAL = lines("time,temp", "{time},{a}", "%Y-%m-%d %H:%M:%S")
MODES = lines("time,temp,mode", "{time},{a},{mode}")
IGNITION = "tagid,intvalue,floatvalue,stringvalue,dataintegrity,t_stamp\n" + "".join(
    f"1,{n},,,192,{1710410400000 + 60000 * n}\n2,,{20 + n / 4},,192,{1710410400000 + 60000 * n}\n" for n in range(N)
)
NIAGARA = "Timestamp,SupplyTemp\n" + "".join(
    f"{time},{20 + n / 4} °C {{{'fault' if n % 20 == 7 else 'ok'}}}\n" for n, time in enumerate(STAMPS)
)
GROUPS = lines("time,temp,flow,temp,flow", "{time},{a},{b},{a},{b}")
DAY_ROWS = (
    "Date,"
    + ",".join(f"{hour:02d}:00" for hour in range(24))
    + "\n"
    + "".join(
        f"2024-03-{day:02d}," + ",".join(f"{day * 24 + hour}.5" for hour in range(24)) + "\n" for day in range(1, 11)
    )
)
INTERVALS = "MTU;load\n" + "".join(
    f"{START + timedelta(hours=n):%d.%m.%Y %H:%M} - {START + timedelta(hours=n + 1):%d.%m.%Y %H:%M};{20 + n / 4}\n"
    for n in range(N)
)
SIX_DIGITS = "DATE,TIME,temp\n" + "".join(
    f"{START + timedelta(hours=7 * n):%y%m%d,%H%M},{20 + n / 4}\n" for n in range(N)
)
ZONES = "Timestamp,TZ,temp\n" + "".join(f"{time},EST,{20 + n / 4}\n" for n, time in enumerate(STAMPS))
TWO_TABLES = LOCAL + LOCAL.replace("temp", "pressure")
TWO_EPOCHS = "ts,temp\n" + "".join(
    f"{(1710410400 + 60 * n) * (1 if n < 30 else 1000)},{20 + n / 4}\n" for n in range(N)
)
OWN_MARKS = "time;tag;value\n" + "".join(
    f"{time};vibration;{245.032 + n:.3f}\n{time};speed;{3 + n}\n" for n, time in enumerate(STAMPS)
)
CLOCKS = "%d.%m.%y;%H.%M.%S"
BUOY = "#YY  MM DD hh mm WDIR WSPD\n#yr  mo dy hr mn degT m/s\n" + "".join(
    f"{START + timedelta(minutes=10 * n):%Y %m %d %H %M} {180 + n:4} {n / 4:4}\n" for n in range(N)
)
SAP = "Datum|Uhrzeit|Wert\n" + "".join(
    f"{START + timedelta(minutes=n):%d.%m.%Y|%H%M%S}|{20 + n / 4}{'-' if n % 3 else ''}\n" for n in range(N)
)
TESTO = "Gerät: XR-7;;\nSeriennummer: 4711;;\n;;\nDatum/Uhrzeit;1 °C;2 l/h"
SIDE = f"sensor,{','.join(STAMPS)}\ntemp,{','.join(str(20 + n / 4) for n in range(N))}\n"
LINE_PROTOCOL = "".join(f"pump,site=A temp={20 + n / 4} {1710410400000000000 + n * 60 * 10**9}\n" for n in range(N))
HOBO = (
    '"Plot Title: 20123456"\n"#","Date Time, GMT-05:00","Temp, °C (LGR S/N: 20123456, SEN S/N: 20123456)"\n'
    + "".join(f"{n + 1},{START + timedelta(minutes=n):%m/%d/%y %I:%M:%S %p},{20 + n / 4}\n" for n in range(N))
)
LABVIEW = (
    "LabVIEW Measurement\t\nSeparator\tTab\nDecimal_Separator\t.\nMulti_Headings\tNo\nX_Columns\tOne\n"
    "Time_Pref\tAbsolute\n***End_of_Header***\t\n\t\nChannels\t2\t\t\nSamples\t60\t60\t\n"
    "Date\t2024/03/14\t2024/03/14\t\nTime\t10:00:00.5\t10:00:00.5\t\nY_Unit_Label\tVolts\tAmps\t\nX0\t0.0\t0.0\t\n"
    "Delta_X\t0.25\t0.25\t\n***End_of_Header***\t\t\t\nX_Value\tA\tB\tComment\n"
    + "".join(f"{n / 4:.6f}\t{20 + n / 4:.6f}\t{n % 7:.6f}\n" for n in range(N))
)
WONDERWARE = "DateTime,TagName,Value,vValue,Quality,QualityDetail,OPCQuality\n" + "".join(
    f"{time},{tag},{value},{value},{'1,24,0' if value == 0 else '0,192,192'}\n"
    for n, time in enumerate(STAMPS)
    for tag, value in (("Level", 900.5 + n), ("Temp", 0 if n in (20, 21) else 65.5 + n / 4))
)
FORMS = (
    Form("plain CSV, times in ISO 8601 with zone", "pump.csv", PLAIN),
    Form("no zone in the times", "pump.csv", LOCAL),
    Form("no zone, and the option that names it", "pump.csv", LOCAL, {"timezone": "Europe/Berlin"}),
    Form("semicolons and decimal commas", "pumpe.csv", _comma(lines("Zeit;Temperatur [°C]", "{time};{a}"))),
    Form("tabs", "pump.tsv", lines("time\ttemp\tflow", "{time}\t{a}\t{b}")),
    Form("units in brackets", "pump.csv", lines("time,temp [°C],flow [m3/h]", "{time},{a},{b}")),
    Form("comments before the header", "logger.csv", "# logger 7\n# site A\n" + PLAIN),
    Form("Excel's line `sep=;`", "export.csv", "sep=;\r\n" + lines("time;temp", "{time};{a}", end="\r\n")),
    Form("day first, which a day beyond 12 decides", "plc.csv", lines("date,temp", "{time},{a}", "%d/%m/%Y %H:%M")),
    Form("month first, a clock of 12 hours", "plc.csv", lines("date,temp", "{time},{a}", "%m/%d/%Y %I:%M %p")),
    Form("date and clock in two columns", "plc.csv", lines("date,clock,temp", "{time},{a}", "%Y-%m-%d,%H:%M:%S")),
    Form(
        "epoch seconds", "gateway.csv", "ts,temp\n" + "".join(f"{1_710_410_400 + 60 * i},{i / 4}\n" for i in range(N))
    ),
    Form("newest row first", "historian.csv", "\n".join(["time,temp,flow", *PLAIN.splitlines()[:0:-1], ""])),
    Form("words beside numbers", "line.csv", MODES),
    Form("words as inputs", "line.csv", MODES, {"inputs": ("mode",)}),
    Form("labels in a column", "line.csv", lines("time,temp,state", "{time},{a},{state}"), {"label_column": "state"}),
    Form("gaps as empty cells and words", "gaps.csv", PLAIN.replace(",1007", ",").replace(",1014", ",n/a")),
    Form("a column without values", "spare.csv", lines("time,temp,spare", "{time},{a},")),
    Form("the last line is cut", "copy.csv", PLAIN[:-6]),
    Form("UTF-16, as some loggers write it", "logger.txt", _utf16),
    Form("Parquet with a zone", "pump.parquet", _parquet),
    Form("no header", "raw.csv", lines("", "{time},{a}")),
    Form("no column of times", "spectrum.csv", "bin,power\n" + "".join(f"{i * 1.5},{i % 7}\n" for i in range(N))),
    Form("the long form: a tag, a time and a value in each row", "historian.csv", LONG),
    Form("many machines in one table", "machines.csv", MACHINES),
    Form("each value with a time of its own", "export.csv", PAIRS),
    Form("a clock with dots in a column of its own", "station.csv", lines("Date;Time;CO", "{time};{b}", DOTS)),
    Form("two digits of the year, which comes first", "plc.csv", _days("%y-%m-%d %H:%M:%S")),
    Form("month first in the first half of a month", "plc.csv", _days("%m/%d/%Y %H:%M")),
    Form("groups of three digits, late in the file", "scale.csv", THOUSANDS),
    Form("a value that means missing", "buoy.csv", SENTINEL),
    Form("the same, and the option that says so", "buoy.csv", SENTINEL, {"missing": ("-9999",)}),
    Form("four header lines of a data logger", "logger.dat", TOA5),
    Form("a column of quality codes", "opc.csv", QUALITY),
    Form("names in Chinese", "pump.csv", lines("时间,轴承温度,出口压力", "{time},{a},{b}")),
    Form("compressed", "pump.csv.gz", _gzip),
    Form("a code page of Windows, and Chinese dates", "pump.csv", _gbk),
    Form("a workbook with a cover, and a sheet for each machine", "plant.xlsx", _sheets),
    Form("a column of values for each type", "ignition.csv", IGNITION),
    Form("states behind the values", "niagara.csv", NIAGARA),
    Form("names of groups above those of the columns", "two.csv", ",Pump 1,,Pump 2,\n" + GROUPS),
    Form("an answer of Prometheus", "answer.json", _prometheus),
    Form("a row for each day, a column for each hour", "loads.csv", DAY_ROWS),
    Form("intervals in place of times", "load.csv", INTERVALS),
    Form("dates of six digits and clocks without marks", "pump.csv", SIX_DIGITS),
    Form("the zone in a column of its own", "pump.csv", ZONES),
    Form("another table below the first", "two.csv", TWO_TABLES),
    Form("seconds, then milliseconds since 1970", "pump.csv", TWO_EPOCHS),
    Form("tags that write numbers differently", "tags.csv", OWN_MARKS),
    Form("InfluxDB's line protocol", "points.txt", LINE_PROTOCOL),
    Form(
        "dates and clocks with dots, two digits of the year", "plc.csv", lines("date;clock;temp", "{time};{a}", CLOCKS)
    ),
    Form("a title of two words, and no names", "logger.txt", "Logger XR-7\n" + lines("", "{time} {a}")),
    Form("names and units in comments, as of NOAA's buoys", "buoy.txt", BUOY),
    Form("signs behind numbers, as of SAP", "sap.txt", SAP),
    Form("dates with a blank behind each dot", "cz.csv", lines("Datum;Teplota", "{time};{a}", "%d. %m. %Y %H:%M")),
    Form("sensors named by number and unit", "testo.csv", lines(TESTO, "{time};{a};{b}", "%d.%m.%Y %H:%M:%S")),
    Form("data loggers of HOBO", "hobo.csv", HOBO),
    Form("LabVIEW's measurement file", "bench.lvm", LABVIEW),
    Form("several columns of quality, as of AVEVA Historian", "wonderware.csv", WONDERWARE),
    Form("a table on its side", "side.csv", SIDE),
    Form("two values at one time", "twice.csv", PLAIN + PLAIN.splitlines()[-1].replace("34.75", "99") + "\n"),
)


def begins(path: Path) -> str:
    """Return the first lines of a file of text."""
    if path.suffix in (".parquet", ".gz", ".xlsx"):
        return "(binary)"
    content = path.read_bytes()
    shown = content.decode(find_encoding(path).name).splitlines()[:3]
    return "<br>".join(f"`{line.replace(chr(9), ' → ').replace('|', '¦')[:60]}`" for line in shown)


def outcome(session: wb.Session, form: Form, path: Path) -> str:
    """Return what the dry run says, without the folder of the file."""
    try:
        preview = session.preview(path, **form.options)
    except ImportDataError as error:
        return f"**refused.** {error}".replace(f"{path}: ", "").replace(str(path), path.name)
    table = preview.columns
    others = table[~table["becomes"].str.startswith(("channel", "time"))]
    parts = [f"{f'{one.part}: ' if one.part else ''}{one.line.partition(': ')[2]}" for one in preview.series]
    parts += [f"`{row['column']}`: {row['becomes']}" for row in others.to_dict(orient="records")]
    missing = table.loc[table["becomes"].str.startswith("channel"), "missing"].sum()
    return "; ".join([*parts, *([f"{missing} values missing"] if missing else [])])


def table() -> str:
    """Return the table of the page, as the dry run makes it now."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, wb.open(home=Path(folder) / "home") as session:
        for number, form in enumerate(FORMS, 1):
            place = Path(folder) / str(number)
            place.mkdir()
            path = form.write(place)
            options = options_text(form.options)
            command = f"`{options}`" if options else ""
            said = outcome(session, form, path).replace("|", "\\|").replace("\n", " ")
            rows.append(f"| {number} | {form.what} | {begins(path)} | {command} | {said} |")
    return HEAD + "\n".join(rows) + "\n"


def written(text: str) -> str:
    """Return the text of the page with its table anew."""
    before = text.partition(HEAD)[0]
    rest = text.partition(HEAD)[2]
    after = rest[rest.index("\n\n") + 1 :] if "\n\n" in rest else ""
    return before + table() + after


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
