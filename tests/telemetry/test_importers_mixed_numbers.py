"""Columns that write numbers in two ways are refused with both readings, and read rightly with the option it names."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.file_samples import FileSamples, read_samples
from workbench.telemetry.importers.formats.mixed_numbers import with_percent_signs
from workbench.telemetry.importers.reading import Reading

N = 60
VALUES = [20 + number % 7 + number % 10 / 10 for number in range(N)]
SHARES = [40 + number % 7 for number in range(N)]


def read(folder: Path, cells: list[str], separator: str = ";", **options: object) -> list[FileSamples]:
    lines = [f"time{separator}load"]
    lines += [f"2026-01-{1 + n // 24:02}T{n % 24:02}:00:00Z{separator}{cell}" for n, cell in enumerate(cells)]
    file = folder / "plant.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return list(read_samples(file, "csv", Reading.of(options)))


def load(folder: Path, cells: list[str], separator: str = ";", **options: object) -> list[float]:
    (series,) = read(folder, cells, separator, **options)
    return np.asarray(series.columns["load"]).tolist()


def written(values: list[float], commas: list[bool]) -> list[str]:
    return [f"{value:.1f}".replace(".", "," if comma else ".") for value, comma in zip(values, commas, strict=True)]


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize(
    ("commas", "main"),
    [
        ([number < 30 for number in range(N)], ","),  # a logger that was set up anew
        ([number % 2 == 0 for number in range(N)], ","),
        ([number != 40 for number in range(N)], ","),  # one value that was mended by hand
        ([number == 40 for number in range(N)], "."),
    ],
)
def test_a_column_with_commas_and_points_is_refused_and_read_with_both(
    tmp_path: Path, separator: str, commas: list[bool], main: str
) -> None:
    cells = written(VALUES, commas)
    with pytest.raises(ImportDataError) as refused:
        read(tmp_path, cells, separator)
    n_commas = sum(commas)
    assert f"mark of {n_commas} number" in str(refused.value) and f"the point of {N - n_commas}." in str(refused.value)
    assert f"--decimal both where each is the decimal mark of its numbers, or --decimal '{main}'" in str(refused.value)
    assert load(tmp_path, cells, separator, decimal="both") == pytest.approx(VALUES)
    chosen = [value if comma == (main == ",") else np.nan for value, comma in zip(VALUES, commas, strict=True)]
    np.testing.assert_allclose(load(tmp_path, cells, separator, decimal=main), chosen)


def test_three_digits_behind_either_mark_are_asked_about_and_read_with_both(tmp_path: Path) -> None:
    values = [20 + number % 7 + (number * 37 % 1000) / 1000 for number in range(N)]
    cells = [f"{value:.3f}".replace(".", "," if number < 30 else ".") for number, value in enumerate(values)]
    with pytest.raises(ImportDataError, match="--decimal both where each mark of the column is that of its numbers"):
        read(tmp_path, cells)
    assert load(tmp_path, cells, decimal="both") == pytest.approx(values)


def test_tags_that_write_each_its_own_mark_are_not_mixed(tmp_path: Path) -> None:
    file = tmp_path / "plant.csv"
    rows = [
        f"2026-01-01T{n % 24:02}:{m:02}:00Z;{tag};{f'{VALUES[n]:.1f}'.replace('.', mark)}"
        for n in range(24)
        for m, (tag, mark) in enumerate((("speed", ","), ("load", ".")))
    ]
    file.write_text("time;tag;value\n" + "\n".join(rows) + "\n", encoding="utf-8")
    series = read_samples(file, "csv", Reading.of({"channel_column": "tag", "value_column": "value"}))
    read_values = {name: np.asarray(values).tolist() for one in series for name, values in one.columns.items()}
    assert read_values == {"speed": pytest.approx(VALUES[:24]), "load": pytest.approx(VALUES[:24])}


@pytest.mark.parametrize("mark", [".", ","])
@pytest.mark.parametrize(
    "signed",
    [
        [number < 30 for number in range(N)],
        [number % 2 == 0 for number in range(N)],
        [number == 20 for number in range(N)],
        [number != 20 for number in range(N)],
    ],
)
def test_percentages_and_shares_in_one_column_are_refused_and_read_with_either_option(
    tmp_path: Path, signed: list[bool], mark: str
) -> None:
    pairs = list(zip(SHARES, signed, strict=True))
    cells = [f"{share}%" if sign else f"{share / 100:.2f}".replace(".", mark) for share, sign in pairs]
    with pytest.raises(ImportDataError) as refused:
        read(tmp_path, cells)
    first = next(share for share, sign in pairs if not sign)
    assert f"which may be {first / 100:.6g} % or {first} %." in str(refused.value)
    assert "--percent share" in str(refused.value) and "--percent percent" in str(refused.value)
    (series,) = read(tmp_path, cells, percent="share")
    assert np.asarray(series.columns["load"]).tolist() == pytest.approx(SHARES)
    assert series.units["load"] == "%"
    percents = [share if sign else share / 100 for share, sign in pairs]
    assert load(tmp_path, cells, percent="percent") == pytest.approx(percents)


def test_percentages_of_which_some_lack_the_sign_are_one_scale(tmp_path: Path) -> None:
    """41 beside 42% is no share."""
    cells = [f"{share}%" if number % 4 else f"{share}" for number, share in enumerate(SHARES)]
    for percent in (None, "share", "percent"):
        assert load(tmp_path, cells, percent=percent) == SHARES


def test_options_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ImportDataError, match="Leave thousands out"):
        Reading.of({"decimal": "both", "thousands": "."})
    with pytest.raises(ImportDataError, match="percent must be percent or share"):
        Reading.of({"percent": "ratio"})


def test_a_column_that_does_not_hold_both_stays() -> None:
    for values in (["0.4%", "0.2"], ["41%", "0"], ["41%", "1.5"], ["a", "b"]):
        assert with_percent_signs(pd.Series(values), "share").tolist() == values
