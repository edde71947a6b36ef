"""Windows that fit the telemetry, by hand."""

import pytest

from workbench.models.window_rule import choose_windows

PRESET = {"sequence_length": 250, "prediction_horizon": 10}


@pytest.mark.parametrize(
    ("n_train", "n_test", "sizes", "reason"),
    [
        (2500, 8000, (250, 10), ""),
        (2499, 8000, (249, 10), "windows of 249 samples, as the training telemetry has 2,499"),
        (400, 8000, (40, 10), "windows of 40 samples, as the training telemetry has 400"),
        (200, 8000, (20, 5), "windows of 20 samples, as the training telemetry has 200"),
        (12, 8000, (1, 1), "windows of 1 sample, as the training telemetry has 12"),
        (3, 8000, (1, 1), "windows of 1 sample, as the training telemetry has 3"),
        (5000, 261, (250, 10), ""),
        (5000, 260, (26, 6), "windows of 26 samples, as the test telemetry has 260"),
        (150, 260, (15, 3), "windows of 15 samples, as the training telemetry has 150"),
        (5000, None, (250, 10), ""),
    ],
)
def test_a_window_is_at_most_a_tenth(n_train, n_test, sizes, reason):
    chosen = choose_windows(PRESET, {}, n_train, n_test)
    assert (chosen.sequence_length, chosen.prediction_horizon) == sizes
    assert chosen.reason == reason


def test_what_a_person_asks_for_holds():
    assert choose_windows(PRESET, {"sequence_length": 600}, 400).sizes == {
        "sequence_length": 600,
        "prediction_horizon": 10,
    }
    chosen = choose_windows(PRESET, {"prediction_horizon": 30}, 400)
    assert (chosen.sequence_length, chosen.prediction_horizon) == (40, 30)
    assert choose_windows(PRESET, {"prediction_horizon": 3}, 4000).sizes["prediction_horizon"] == 3
    short = {"sequence_length": 30, "prediction_horizon": 5}
    assert choose_windows(short, {}, 400).sizes == short
