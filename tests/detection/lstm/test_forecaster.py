"""The LSTM forecaster: serving equal to Keras, and its checkpoints."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import wave_channel
from workbench.detection.lstm.checkpoint import Checkpoint
from workbench.detection.lstm.forecaster import LSTMForecaster
from workbench.detection.lstm.onnx_graph import build_graph
from workbench.exceptions import ArtifactError, ForecasterError
from workbench.telemetry.schema import inputs

TINY = {"sequence_length": 20, "prediction_horizon": 3, "units": [5, 4], "batch_size": 16}


def random_weights(
    n_inputs: int, units: tuple[int, ...] = (80, 80), horizon: int = 10, seed: int = 0
) -> dict[str, np.ndarray]:
    """Weights as large as trained ones."""
    random = np.random.default_rng(seed)
    weights, width = {}, n_inputs
    for layer, size in enumerate(units):
        for part, shape in (("kernel", (width, 4 * size)), ("recurrent", (size, 4 * size)), ("bias", (4 * size,))):
            weights[f"lstm_{layer}.{part}"] = random.normal(0, 0.15, shape).astype(np.float32)
        width = size
    weights["dense.kernel"] = random.normal(0, 0.15, (width, horizon)).astype(np.float32)
    weights["dense.bias"] = random.normal(0, 0.15, horizon).astype(np.float32)
    return weights


def naive_lstm(weights: dict[str, np.ndarray], window: np.ndarray) -> np.ndarray:
    """Keras' LSTM by its equations, one window, one step at a time, in float64."""
    states = window.astype(np.float64)
    layer = 0
    while f"lstm_{layer}.kernel" in weights:
        kernel, recurrent, bias = (
            weights[f"lstm_{layer}.{part}"].astype(np.float64) for part in ("kernel", "recurrent", "bias")
        )
        hidden = cell = np.zeros(len(recurrent))
        outputs = []
        for step in states:
            gates = step @ kernel + hidden @ recurrent + bias
            enter, forget, candidate, leave = np.split(gates, 4)
            enter, forget, leave = (1 / (1 + np.exp(-gate)) for gate in (enter, forget, leave))
            cell = forget * cell + enter * np.tanh(candidate)
            hidden = leave * np.tanh(cell)
            outputs.append(hidden)
        states, layer = np.array(outputs), layer + 1
    return states[-1] @ weights["dense.kernel"] + weights["dense.bias"]


@pytest.mark.parametrize(("units", "length"), [((5,), 50), ((5, 4), 50), ((5, 4), 37), ((3, 6, 2), 1)])
def test_graph_equals_the_equations(units: tuple[int, ...], length: int) -> None:
    channel = wave_channel(n=300)
    weights = random_weights(2, units, horizon=4)
    forecaster = LSTMForecaster.from_weights(weights, sequence_length=length)
    predicted = forecaster.predict(channel)
    values = inputs(channel)
    for i in (0, 69, 70, 139, 245):
        expected = naive_lstm(weights, values[i : i + length])
        assert predicted[i] == pytest.approx(expected[0], abs=1e-5)
        np.testing.assert_allclose(forecaster.predict_window(values[i : i + length]), expected, atol=1e-5)


def test_weights_come_back_as_they_were_given(tmp_path: Path) -> None:
    weights = random_weights(3, (5, 4), horizon=2)
    forecaster = LSTMForecaster.from_weights(weights, sequence_length=20)
    forecaster.save(tmp_path)
    for source in (forecaster, LSTMForecaster.load(tmp_path)):
        back = source.to_weights()
        assert back.keys() == weights.keys()
        assert all(np.array_equal(back[name], weights[name]) for name in weights)
        assert build_graph(back, 20) == build_graph(weights, 20)


@pytest.mark.parametrize("fault", ["missing", "shape", "layer"])
def test_weights_that_do_not_fit_are_refused(fault: str) -> None:
    weights = random_weights(3, (5, 4), horizon=2)
    if fault == "missing":
        del weights["dense.bias"]
    elif fault == "shape":
        weights["lstm_1.kernel"] = weights["lstm_1.kernel"][:-1]
    else:
        weights["lstm_3.kernel"] = weights["lstm_1.kernel"]
    with pytest.raises(ForecasterError, match="The weights have the shapes"):
        LSTMForecaster.from_weights(weights)


def test_a_graph_of_other_inputs_is_refused(tmp_path: Path) -> None:
    LSTMForecaster.from_weights(random_weights(3, (5,), 2), sequence_length=20).save(tmp_path)
    expected = r"takes 19 samples of 4 inputs and predicts 1. Its description says 20, 3 and 2"
    (tmp_path / "model.onnx").write_bytes(build_graph(random_weights(4, (5,), 1), 19))
    with pytest.raises(ArtifactError, match=expected):
        LSTMForecaster.load(tmp_path)


def test_serving_loads_neither_onnx_nor_tensorflow(tmp_path: Path) -> None:
    LSTMForecaster.from_weights(random_weights(2, (5,), 2), sequence_length=20).save(tmp_path)
    code = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from tests.conftest import wave_channel\n"
        "from workbench.detection.lstm.forecaster import LSTMForecaster\n"
        "forecaster = LSTMForecaster.load(Path(sys.argv[1]))\n"
        "forecaster.predict(wave_channel(n=200)); forecaster.predict_window(np.zeros((20, 2), dtype=np.float32))\n"
        "print(*sorted({'onnxruntime', 'onnx', 'tensorflow', 'keras'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[3]
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert result.stdout.split() == ["onnxruntime"]


@pytest.mark.parametrize(
    "options", [{"units": []}, {"units": [0]}, {"batch_size": 0}, {"epochs": 0}, {"patience": 0}, {"dropout": 1.0}]
)
def test_hyperparameters_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(ForecasterError, match=next(iter(options))):
        LSTMForecaster(**options)


def test_checkpoint_comes_back_whole_and_only_to_its_training(tmp_path: Path) -> None:
    arrays = {"scalar": np.array(7, dtype=np.int64), "matrix": np.arange(6.0).reshape(2, 3).T}
    checkpoint = Checkpoint(tmp_path / "new" / "state.safetensors", {"seed": 1, "units": [5, 4]})
    assert checkpoint.read() is None
    checkpoint.write(arrays, {"epoch": 1, "best": float("inf")})
    checkpoint.write(arrays, {"epoch": 2, "best": 0.1 + 0.2})
    read, state = checkpoint.read()
    assert state == {"epoch": 2, "best": 0.1 + 0.2}
    assert {name: array.shape for name, array in read.items()} == {"scalar": (), "matrix": (3, 2)}
    assert all(np.array_equal(read[name], arrays[name]) for name in arrays)
    assert [file.name for file in checkpoint.path.parent.iterdir()] == ["state.safetensors"]
    other = Checkpoint(checkpoint.path, {"seed": 2, "units": [5, 4]})
    with pytest.raises(ForecasterError, match="another training: seed is 1 there and 2 here"):
        other.read()
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:-9])
    with pytest.raises(ForecasterError, match="cannot be read"):
        checkpoint.read()


@pytest.mark.slow
def test_predictions_equal_keras() -> None:
    import keras

    channel = wave_channel(n=450)
    forecaster = LSTMForecaster.from_weights(random_weights(2))
    model = keras.Sequential(
        [
            keras.Input((250, 2)),
            keras.layers.LSTM(80, return_sequences=True),
            keras.layers.Dropout(0.3),
            keras.layers.LSTM(80),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(10),
        ]
    )
    weights = forecaster.to_weights()
    names = [f"lstm_{i}.{part}" for i in range(2) for part in ("kernel", "recurrent", "bias")]
    model.set_weights([weights[name] for name in [*names, "dense.kernel", "dense.bias"]])
    values = inputs(channel)
    expected = model.predict(np.stack([values[i : i + 250] for i in range(190)]), verbose=0)
    np.testing.assert_allclose(forecaster.predict(channel), expected[:, 0], atol=1e-5)
    by_window = [forecaster.predict_window(values[i : i + 250]) for i in range(0, 190, 19)]
    np.testing.assert_allclose(by_window, expected[::19], atol=1e-5)
