"""When limits are reached."""

import math

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from workbench.forecasting.crossing import CROSSING_COLUMNS, limit_crossings
from workbench.telemetry.catalog import Limits
from workbench.telemetry.last_values import limit_state

VALUES = st.lists(st.integers(-12, 12), min_size=1, max_size=12)


def first(values, reached):
    return next((lead for lead, value in enumerate(values, 1) if reached(value)), None)


@given(VALUES, st.integers(0, 5), st.integers(-12, 12))
def test_crossings_equal_their_definition(forecast: list[int], width: int, last: int) -> None:
    limits = Limits(critical_low=-8, warning_low=-4, warning_high=5)
    table = limit_crossings(np.array(forecast), np.full(len(forecast), width), last, limits).set_index("limit")
    assert list(table.index) == ["critical low", "warning low", "warning high"]
    for name, row in table.iterrows():
        high = name == "warning high"
        shifts = (0, width, -width) if high else (0, -width, width)

        def reached(value: float, limit: float = row["value"], high: bool = high) -> bool:
            return value >= limit if high else value <= limit

        expected = [first([value + shift for value in forecast], reached) for shift in shifts]
        if reached(last):
            assert row["outcome"] == "now"
            expected = [None, None, None]
            assert limit_state(last, limits)[0].endswith("high" if high else "low")
        elif expected[0] is not None:
            assert row["outcome"] == "expected"
            assert expected[1] <= expected[0]
            assert expected[2] is None or expected[2] >= expected[0]
        else:
            assert row["outcome"] == ("none" if expected[1] is None else "possible")
        for column, lead in zip(("lead", "earliest", "latest"), expected, strict=True):
            assert math.isnan(row[column]) if lead is None else row[column] == lead


def test_without_limits_there_is_no_row() -> None:
    table = limit_crossings(np.ones(3), np.ones(3), 0.0, Limits())
    assert tuple(table.columns) == CROSSING_COLUMNS
    assert table.empty


def test_an_interval_without_end_makes_everything_possible_and_nothing_certain() -> None:
    table = limit_crossings(np.zeros(3), np.full(3, np.inf), 0.0, Limits(warning_high=5))
    assert table.iloc[0]["outcome"] == "possible"
    assert table.iloc[0]["earliest"] == 1
    assert pd.isna(table.iloc[0]["latest"])
