"""Columns that write numbers in two ways are refused with both readings, and read rightly with the option it names."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.file_samples import FileSamples, read_samples
from workbench.telemetry.importers.formats.mixed_numbers import signed_numbers
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


def tags(folder: Path, values: dict[str, list[str]], **options: object) -> dict[str, list[float]]:
    file = folder / "plant.csv"
    rows = [
        f"2026-01-01T{n % 24:02}:{m:02}:00Z;{tag};{cells[n % len(cells)]}"
        for n in range(24)
        for m, (tag, cells) in enumerate(values.items())
    ]
    file.write_text("time;tag;value\n" + "\n".join(rows) + "\n", encoding="utf-8")
    read_values: dict[str, list[float]] = {}
    for one in read_samples(file, "csv", Reading.of(options)):
        read_values |= {name: np.asarray(column)[: len(values[name])].tolist() for name, column in one.columns.items()}
    return read_values


@pytest.mark.parametrize(
    ("cells", "readings", "share", "percent"),
    [
        (["41%", "0.42", "1.5"], "0.42 % or 42 %", [41, 42, 150], [41, 0.42, 1.5]),  # whatever the size
        (["41%", "42"], "42 % or 4200 %", [41, 4200], [41, 42]),
        (["0.4%", "0.2"], "0.2 % or 20 %", [0.4, 20], [0.4, 0.2]),
        (["41%", "0.42", "-999"], "0.42 % or 42 %", [41, 42, -99900], [41, 0.42, -999]),
        (["41%", "0.41234"], "0.41234 % or 41.234 %", [41, 41.234], [41, 0.41234]),  # no group of three digits
        (["41,5%", "0,41234"], "0.41234 % or 41.234 %", [41.5, 41.234], [41.5, 0.41234]),
        (["41\u00a0%", "0.42"], "0.42 % or 42 %", [41, 42], [41, 0.42]),
        (["41\u202f%", "0.42"], "0.42 % or 42 %", [41, 42], [41, 0.42]),
        (["41\uff05", "0.42"], "0.42 % or 42 %", [41, 42], [41, 0.42]),
        (["41 pct", "0.42"], "0.42 % or 42 %", [41, 42], [41, 0.42]),
        (["41 percent", "0.42"], "0.42 % or 42 %", [41, 42], [41, 0.42]),
        (["41\u2030", "0.42"], "0.42 \u2030 or 420 \u2030", [41, 420], [41, 0.42]),
    ],
)
def test_numbers_with_and_without_percent_sign_are_asked_about_and_read_as_chosen(
    tmp_path: Path, cells: list[str], readings: str, share: list[float], percent: list[float]
) -> None:
    with pytest.raises(ImportDataError, match=f"which may be {readings}"):
        read(tmp_path, cells * 6)
    assert load(tmp_path, cells * 6, percent="share") == pytest.approx(share * 6)
    assert load(tmp_path, cells * 6, percent="percent") == pytest.approx(percent * 6)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["0.41", "1.5"], [0.41, 1.5]),
        (["41%", "42%"], [41, 42]),
        (["41\uff05", "42 pct"], [41, 42]),
        (["41%", "0"], [41, 0]),
    ],
)
@pytest.mark.parametrize("percent", [None, "share", "percent"])
def test_percentages_of_one_kind_are_read_whatever_is_chosen(
    tmp_path: Path, cells: list[str], values: list[float], percent: str | None
) -> None:
    assert load(tmp_path, cells * 6, percent=percent) == values * 6


def test_a_sentinel_beside_percentages_is_missing_before_it_is_scaled(tmp_path: Path) -> None:
    read_values = load(tmp_path, ["41%", "0.42", "-999"] * 6, percent="share", missing="-999.0")
    np.testing.assert_allclose(read_values, [41, 42, np.nan] * 6)


def test_percentages_are_judged_for_each_tag(tmp_path: Path) -> None:
    own = {"A": ["41%", "42%"], "B": ["0.5", "0.6"]}
    for percent in (None, "share", "percent"):
        assert tags(tmp_path, own, percent=percent) == {"A": [41, 42], "B": [0.5, 0.6]}
    mixed = {"A": ["41%", "0.42"], "B": ["0.5", "0.6"]}
    with pytest.raises(ImportDataError, match=r"Column 'A' holds 41% and 0.42"):
        tags(tmp_path, mixed)
    assert tags(tmp_path, mixed, percent="share") == {"A": [41, pytest.approx(42)], "B": [0.5, 0.6]}
    assert tags(tmp_path, mixed, percent="percent") == {"A": [41, 0.42], "B": [0.5, 0.6]}
    assert tags(tmp_path, {"A": ["41%", "42%"], "B": ["230 kW", "231 kW"]}) == {"A": [41, 42], "B": [230, 231]}


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["20,5 \u00b0C", "20.5 \u00b0C"], [20.5, 20.5]),
        (["20,5 kW", "20.25 kW"], [20.5, 20.25]),
        (["1'234,5", "1'234.5"], [1234.5, 1234.5]),
        (["1 234,5", "1 234.5", "7"], [1234.5, 1234.5, 7]),
        (["1'234,5 kW", "1\u00a0234.5 kW"], [1234.5, 1234.5]),
        (["1.234,5", "1,234.5", "1,234,567"], [1234.5, 1234.5, 1234567]),
        (["41,5%", "41.5%"], [41.5, 41.5]),
    ],
)
def test_both_marks_are_read_beside_units_and_groups(tmp_path: Path, cells: list[str], values: list[float]) -> None:
    assert load(tmp_path, cells * 6, decimal="both") == values * 6


def test_both_marks_are_refused_where_one_groups_and_may_be_that_of_decimals(tmp_path: Path) -> None:
    with pytest.raises(ImportDataError, match=r"holds 1,025.0, .* and 1,050, which may be 1050 or 1.050"):
        read(tmp_path, ["950.5", "1,025.0", "1,050"] * 6, decimal="both")


def test_options_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ImportDataError, match="Leave thousands out"):
        Reading.of({"decimal": "both", "thousands": "."})
    with pytest.raises(ImportDataError, match="percent must be percent or share"):
        Reading.of({"percent": "ratio"})


def test_only_numbers_with_one_kind_of_sign_have_it_taken_away() -> None:
    for values in (["a", "b"], ["1", "2"], ["41%", "4\u2030"], ["41%", "on", "off"]):
        assert signed_numbers(pd.Series(values)) is None


@pytest.mark.parametrize(
    ("cells", "mark", "values"),
    [
        (["20,5", "20.125"], ".", [20.5, 20.125]),
        (["20.5", "20,125"], ",", [20.5, 20.125]),
        (["20,5", "7,25", "-1.250"], ".", [20.5, 7.25, -1.25]),
    ],
)
def test_three_digits_beside_the_other_decimal_mark_are_asked_about(
    tmp_path: Path, cells: list[str], mark: str, values: list[float]
) -> None:
    number = cells[-1]
    readings = f"holds {cells[0]} and {number}, which may be {number.replace(mark, '')} or {number.replace(mark, '.')}"
    with pytest.raises(ImportDataError, match=readings) as refused:
        read(tmp_path, cells * 6)
    assert "--decimal both" in str(refused.value) and f"--thousands '{mark}'" in str(refused.value)
    assert load(tmp_path, cells * 6, decimal="both") == values * 6
    grouped = [*values[:-1], float(number.replace(mark, ""))]
    assert load(tmp_path, cells * 6, thousands=mark) == grouped * 6


def test_three_digits_are_judged_for_each_tag(tmp_path: Path) -> None:
    with pytest.raises(ImportDataError, match=r"Column 'A' holds 20,5 and 20\.125"):
        tags(tmp_path, {"A": ["20,5", "20.125"], "B": ["7,5", "8,5"]})
    own = {"A": ["20,5", "7,25"], "B": ["1.234,5", "1.250"]}
    assert tags(tmp_path, own) == {"A": [20.5, 7.25], "B": [1234.5, 1250]}


@pytest.mark.parametrize("cells", [["1,234.5", "20.5", "1,250"], ["1.234.567", "20,5", "1.250"]])
def test_true_groups_beside_decimals_stay(tmp_path: Path, cells: list[str]) -> None:
    first = 1234.5 if cells[0] == "1,234.5" else 1234567
    assert load(tmp_path, cells * 6) == [first, 20.5, 1250] * 6


def test_a_number_cell_beside_texts_has_no_groups(tmp_path: Path) -> None:
    cells = ["1.234,5", 20.125, "7,5"] * 6
    file = tmp_path / "plant.json"
    file.write_text(json.dumps([{"time": f"2026-01-01T{n:02}:00:00Z", "load": cell} for n, cell in enumerate(cells)]))
    with pytest.raises(ImportDataError, match="--decimal both"):
        read_samples(file, "json", Reading())
    (series,) = read_samples(file, "json", Reading.of({"decimal": "both"}))
    assert np.asarray(series.columns["load"]).tolist() == [1234.5, 20.125, 7.5] * 6
