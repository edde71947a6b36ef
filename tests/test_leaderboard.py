"""The leaderboard: its figures are those of the evaluations, its baselines are named, its spread is one."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.leaderboard import COLUMNS, PUBLISHED, fold_spread, leaderboard, seed_table
from workbench.telemetry.archive import Archive

KEYS = ["true_positives", "false_positives", "false_negatives"]


@pytest.fixture
def session(tiny_archive: Archive) -> Iterator[wb.Session]:
    """X-1 and X-2 with ridge and persistence, and a preset in which both predict."""
    opened = wb.open(home=tiny_archive.path.parent, presets={"both": {"forecasters": {"ridge": 3, "persistence": 1}}})
    for forecaster in ("ridge", "persistence"):
        opened.train(forecaster=forecaster)
    yield opened
    opened.close()


def test_each_row_is_an_evaluation_and_the_blind_stand_last(session):
    table = leaderboard(session)
    assert tuple(table.columns) == COLUMNS
    named = set(zip(table["forecaster"], table["preset"], strict=True))
    for preset in ("paper", "workbench", "both"):
        assert {("ridge", preset), ("persistence", preset)} <= named
    assert ("persistence+ridge", "both") in named
    assert table["forecaster"].tolist()[-2:] == ["flag everything", "flag the middle half"]
    ours = table[table["preset"] != ""]
    assert ours["f1"].dropna().is_monotonic_decreasing
    for row in ours.itertuples():
        forecaster = None if "+" in row.forecaster else row.forecaster
        judged = session.evaluate(forecaster=forecaster, preset=row.preset).rows.query("group == 'all'").iloc[0]
        assert [getattr(row, key) for key in KEYS] == judged[KEYS].tolist()


def test_forecasters_that_predict_together_predict_the_weighted_mean(session):
    together = session.score("X-1", preset="both")
    assert together.attrs["model"] == "X-1.persistence/1+X-1.ridge/1"
    alone = [session.score("X-1", name, "both")["prediction"].values for name in ("ridge", "persistence")]
    np.testing.assert_allclose(together["prediction"], np.average(alone, axis=0, weights=[3, 1]), atol=1e-6)
    # Where one of them is not there, the other predicts alone.
    assert session.score("X-1", preset="workbench").attrs["model"] == "X-1.ridge/1"


def test_the_overview_shows_the_score_of_those_that_predict_together(tiny_archive):
    opened = wb.open(
        home=tiny_archive.path.parent, preset="both", presets={"both": {"forecasters": {"ridge": 1, "persistence": 1}}}
    )
    opened.train(forecaster="ridge")
    opened.score("X-1")
    opened.train(["X-1"], "persistence")
    row = opened.overview().set_index("channel").loc["X-1"]
    assert row["state"] == "stale"
    assert "now X-1.persistence/1+X-1.ridge/1" in row["reason"]
    opened.score("X-1")
    assert opened.overview().set_index("channel").loc["X-1", "state"] == "current"


def test_the_spread_is_over_folds_of_each_asset():
    channels = pd.DataFrame(
        {
            "channel": list("abcdef"),
            "asset": ["S"] * 4 + ["M"] * 2,
            "true_positives": [1, 1, 0, 0, 1, 0],
            "false_positives": 0,
            "false_negatives": [0, 0, 1, 1, 0, 1],
            "duplicate_of": "",
        }
    )
    low, high = fold_spread(channels, 2)
    pooled = 2 * 3 / (2 * 3 + 3)
    assert 0 <= low <= pooled <= high <= 1
    assert fold_spread(channels, 1) == (pytest.approx(pooled), pytest.approx(pooled))
    channels.loc[0, "duplicate_of"] = "b"
    assert fold_spread(channels, 1)[0] == pytest.approx(2 * 2 / (2 * 2 + 3))
    assert np.isnan(fold_spread(channels.iloc[:0], 3)).all()


def test_seeds_are_judged_one_by_one_on_the_channels_that_have_all(session, tiny_archive):
    assert seed_table(session, "ridge").empty  # one seed only
    other = wb.open(home=tiny_archive.path.parent, seed=1)
    other.train(["X-1"], "ridge")
    table = seed_table(session, "ridge", presets=["paper", "both"])
    assert table[["preset", "seed", "channels"]].to_numpy().tolist() == [
        ["paper", 0, 1],
        ["paper", 1, 1],
        ["both", 0, 1],
        ["both", 1, 1],
    ]
    assert (table["true_positives"] + table["false_negatives"]).eq(1).all()


def test_the_published_figures_agree_with_their_counts():
    counted = PUBLISHED.dropna()
    f1 = (
        2
        * counted["true_positives"]
        / (2 * counted["true_positives"] + counted["false_positives"] + counted["false_negatives"])
    )
    np.testing.assert_allclose(f1.astype(float), counted["f1"].astype(float), atol=5e-4)
