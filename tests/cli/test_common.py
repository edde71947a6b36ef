import json

import numpy as np
import pandas as pd

from workbench.cli.common import print_json, records, rows_text, table_text


def test_a_table_is_laid_out_without_its_empty_columns():
    table = pd.DataFrame(
        {
            "channel": ["A-1", "B-10"],
            "n": [7, 12345],
            "share": [0.123456789, np.nan],
            "note": ["", ""],
            "reason": ["", "short"],
            "none": [None, None],
            "large": [1e9, 2.5],
        }
    )
    assert table_text(table).splitlines() == [
        "channel     n  share reason large",
        "    A-1     7 0.1235        1e+09",
        "   B-10 12345      -  short   2.5",
    ]


def test_rows_need_not_have_the_same_columns():
    assert rows_text([{"a": 1}, {"a": 2, "b": True}]).splitlines() == ["a    b", "1    -", "2 True"]
    assert rows_text([]) == ""


def test_json_is_strict(capsys):
    table = pd.DataFrame({"x": [1.5, np.nan], "n": [1, 2], "time": pd.to_datetime(["2026-01-01", None], utc=True)})
    print_json(records(table))
    assert json.loads(capsys.readouterr().out) == [
        {"x": 1.5, "n": 1, "time": "2026-01-01 00:00:00+00:00"},
        {"x": None, "n": 2, "time": None},
    ]
