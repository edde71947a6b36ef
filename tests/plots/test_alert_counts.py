"""Alerts raised over time: labels stand at whole hours and days, wherever these lie among the bars."""

import pandas as pd
import pytest

from workbench.plots.alert_counts import alert_counts_figure, update_alert_counts

NONE = pd.DataFrame({"raised_at": pd.to_datetime([], utc=True), "level": []})


def labels(plot):
    (axis,) = plot.xaxis
    return {axis.major_label_overrides[place]: place for place in axis.ticker.ticks}


def test_days_are_where_they_begin():
    until = pd.Timestamp("2026-11-30 18:00", tz="UTC")
    plot = alert_counts_figure(NONE, until - pd.Timedelta("7D"), until)
    shown = labels(plot)
    assert list(shown) == ["25 Nov", "27 Nov", "29 Nov"]
    # 24 bars for 168 hours, the first of which is drawn from -0.5 on: 25 November begins after 30 hours
    assert shown["25 Nov"] == pytest.approx(30 / 7 - 0.5)
    assert shown["27 Nov"] - shown["25 Nov"] == pytest.approx(48 / 7)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        ("1h", ["17:00", "17:10", "17:20", "17:30", "17:40", "17:50"]),
        ("1D", ["18:00", "00:00", "06:00", "12:00"]),
        ("30D", ["03 Nov", "08 Nov", "13 Nov", "18 Nov", "23 Nov", "28 Nov"]),
    ],
)
def test_the_labels_follow_the_period(length, words):
    until = pd.Timestamp("2026-11-30 17:54", tz="UTC")
    plot = alert_counts_figure(NONE, until - pd.Timedelta("7D"), until)
    update_alert_counts(plot, NONE, until - pd.Timedelta(length), until)
    assert list(labels(plot)) == words
