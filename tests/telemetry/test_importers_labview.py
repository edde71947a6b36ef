"""Measurement files of LabVIEW, in the forms that its "Write To Measurement File" offers."""

from pathlib import Path

import numpy as np
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.file_samples import FileSamples, read_samples
from workbench.telemetry.importers.reading import Reading

N = 20
A, B = [20 + n / 4 for n in range(N)], [float(n % 7) for n in range(N)]
START = np.datetime64("2024-03-14T10:00:00.5", "ns")
TIMES = START + (np.arange(N) * 250_000_000).astype("timedelta64[ns]")
ONE = [f"{n / 4:.6f}\t{A[n]:.6f}\t{B[n]:.6f}" for n in range(N)]


def segment(rows: list[str], names: str = "X_Value\tA\tB\tComment", seconds: tuple[str, str] = ("00.5", "00.5")) -> str:
    first, second = (f"10:00:{one}" for one in seconds)
    return (
        f"Channels\t2\t\t\nSamples\t{N}\t{N}\t\nDate\t2024/03/14\t2024/03/14\t\nTime\t{first}\t{second}\t\n"
        "Y_Unit_Label\t°C\tAmps\t\nX_Dimension\tTime\tTime\t\nX0\t0.0E+0\t0.0E+0\t\nDelta_X\t0.25\t0.25\t\n"
        f"***End_of_Header***\t\t\t\n{names}\n" + "".join(f"{row}\n" for row in rows)
    )


def read(folder: Path, segments: str, columns: str = "One", preference: str = "Absolute") -> list[FileSamples]:
    file = folder / "bench.lvm"
    about = f"Separator\tTab\nX_Columns\t{columns}\nTime_Pref\t{preference}\n"
    file.write_bytes(f"LabVIEW Measurement\t\n{about}***End_of_Header***\t\n\t\n{segments}".encode("cp1252"))
    return read_samples(file, "csv", Reading())


def check(samples: FileSamples, times: np.ndarray, **columns: list[float]) -> None:
    np.testing.assert_array_equal(samples.stamps, times)
    assert {name: own.tolist() for name, own in samples.columns.items()} == columns


def test_one_column_of_times(tmp_path: Path) -> None:
    (samples,) = read(tmp_path, segment(ONE))
    check(samples, TIMES, A=A, B=B)
    assert samples.units == {"A": "°C", "B": "Amps"}


def test_no_column_of_times(tmp_path: Path) -> None:
    rows = ["\t" + row.partition("\t")[2] + "\t" for row in ONE]
    check(read(tmp_path, segment(rows), "No")[0], TIMES, A=A, B=B)


def test_decimal_commas(tmp_path: Path) -> None:
    content = segment([row.replace(".", ",") for row in ONE], seconds=("00,5", "00,5")).replace("0.25", "0,25")
    check(read(tmp_path, content)[0], TIMES, A=A, B=B)


def test_a_column_of_times_for_each_channel(tmp_path: Path) -> None:
    rows = [f"{n / 4:.6f}\t{A[n]:.6f}\t{n / 4:.6f}\t{B[n]:.6f}\t" for n in range(N)]
    first, second = read(tmp_path, segment(rows, "X_Value\tA\tX_Value\tA\tComment", ("00.5", "02.5")), "Multi")
    check(first, TIMES, A=A)
    check(second, TIMES + np.timedelta64(2, "s"), **{"A.1": B})


def test_segments_follow_each_other(tmp_path: Path) -> None:
    (samples,) = read(tmp_path, segment(ONE) + "\n" + segment(ONE, seconds=("50.5", "50.5")))
    check(samples, np.concatenate([TIMES, TIMES + np.timedelta64(50, "s")]), A=A + A, B=B + B)


def test_times_without_a_date_are_elapsed(tmp_path: Path) -> None:
    (samples,) = read(tmp_path, segment(ONE), preference="Relative")
    check(samples, np.arange(N) / 4, A=A, B=B)
    assert samples.sample_period == "PT0.25S"


def test_a_spectrum_has_no_times(tmp_path: Path) -> None:
    with pytest.raises(ImportDataError, match="There is no time column"):
        read(tmp_path, segment(ONE).replace("X_Dimension\tTime\tTime", "X_Dimension\tFrequency\tFrequency"))


def test_a_row_that_may_be_cut_is_left_out(tmp_path: Path) -> None:
    (samples,) = read(tmp_path, segment(ONE)[:-4])
    check(samples, TIMES[:-1], A=A[:-1], B=B[:-1])
    assert samples.repairs["rows_dropped"] == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (segment(ONE)[:150], r"cut within a header\. Write the file again"),
        (segment(ONE) + segment(ONE, "X_Value\tA\tC\tComment"), "segments have different channels"),
        (segment(ONE).replace("10:00:00.5", "at ten"), "A segment cannot be read"),
        (segment(ONE).replace("10:00:00.5", "30:00:00.5"), "A segment cannot be read"),
        (segment(ONE).replace("Time\t10:00", "Clock\t10:00"), "A segment cannot be read"),
        ("", "no segment of samples"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(ImportDataError, match=says):
        read(tmp_path, content)
