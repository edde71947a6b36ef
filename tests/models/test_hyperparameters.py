"""Hyperparameters as text."""

import pytest

from workbench.exceptions import ForecasterError
from workbench.models.hyperparameters import read_hyperparameters


def test_values_have_the_types_of_the_defaults():
    texts = ["units=40,20", "dropout=0.1", "epochs = 7", "trainer=keras"]
    assert read_hyperparameters("lstm", texts) == {"units": (40, 20), "dropout": 0.1, "epochs": 7, "trainer": "keras"}
    assert read_hyperparameters("ridge", []) == {}


def test_a_parameter_that_is_set_twice_is_refused():
    with pytest.raises(ForecasterError, match=r"units is set twice\. Set it once\."):
        read_hyperparameters("lstm", ["units=40", "epochs=3", "units=20"])


@pytest.mark.parametrize(
    ("forecaster", "text", "words"),
    [
        ("prophet", "epochs=5", "There is no forecaster 'prophet'. Known: lstm, pca, persistence, ridge."),
        ("ridge", "epochs=5", "'epochs=5' does not set a parameter of the forecaster ridge. Write NAME=VALUE"),
        ("ridge", "sequence_length", "'sequence_length' does not set a parameter"),
        ("ridge", "sequence_length=1.5", "Cannot set sequence_length to '1.5'. Write a whole number, for example "),
        ("lstm", "units=a,b", "Cannot set units to 'a,b'. Write whole numbers, separated by commas, for example "),
        ("lstm", "dropout=x", "Cannot set dropout to 'x'. Write a number, for example dropout=0.3."),
    ],
)
def test_what_cannot_be_set_is_named(forecaster, text, words):
    with pytest.raises(ForecasterError) as caught:
        read_hyperparameters(forecaster, [text])
    assert words in str(caught.value)
