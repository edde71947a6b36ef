"""Training of the LSTM: the same mathematics in every trainer, repeatable, interrupted or not."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.conftest import wave_channel
from workbench.detection.base import Training
from workbench.detection.lstm.forecaster import TRAINERS, LSTMForecaster
from workbench.detection.lstm.keras import KerasTrainer
from workbench.detection.lstm.network import Network
from workbench.detection.lstm.training import LSTMTrainer, NumpyTrainer
from workbench.exceptions import ForecasterError
from workbench.telemetry.schema import inputs

TINY = {"sequence_length": 20, "prediction_horizon": 3, "units": [5, 4], "batch_size": 16}
EVERY_TRAINER = [pytest.param("numpy"), pytest.param("keras", marks=pytest.mark.slow)]


def a_training(seed: int = 1, n: int = 300) -> Training:
    train = wave_channel(n=n)
    return Training(train, inputs(train), n - 23, seed=seed, progress=False, checkpoint=None)


@pytest.mark.parametrize("units", [(5,), (5, 4), (3, 6, 2)])
def test_the_gradient_is_the_slope_of_the_loss(units: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    network = Network(3, units, 2, length=7, dropout=0.4)
    network.draw(random)
    x, y = (random.normal(0, 1, shape).astype(np.float32) for shape in ((7, 3, 6), (2, 6)))
    network.learn(x, y, np.random.default_rng(5))
    gradient = network.gradient.copy()
    start = network.flat.copy()
    for direction in random.normal(0, 1, (8, start.size)).astype(np.float32):
        losses = []
        for step in (1e-2, -1e-2):
            network.flat[:] = start + np.float32(step) * direction / np.linalg.norm(direction)
            losses.append(network.learn(x, y, np.random.default_rng(5)) / y.size)  # the same dropout
        slope = (losses[0] - losses[1]) / 2e-2
        assert slope == pytest.approx(float(gradient @ direction) / np.linalg.norm(direction), abs=2e-4)


def test_weights_come_back_as_they_were_assigned() -> None:
    network, other = (Network(3, (5, 4), 2, length=7, dropout=0.0) for _ in range(2))
    network.draw(np.random.default_rng(0))
    other.assign(network.weights())
    np.testing.assert_array_equal(other.flat, network.flat)
    recurrent = network.weights()["lstm_1.recurrent"]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(4), atol=1e-6)  # orthogonal, as Keras draws it
    bias = network.weights()["lstm_0.bias"]
    assert bias.tolist() == [0] * 5 + [1] * 5 + [0] * 10


@pytest.mark.slow
def test_both_trainers_learn_the_same_from_the_same_weights() -> None:
    training = a_training()
    forecaster = LSTMForecaster(**TINY, dropout=0.0)
    ours, theirs = NumpyTrainer(forecaster, training), KerasTrainer(forecaster, training)
    ours.network.assign(theirs.weights())
    for _ in range(3):
        ours.run_epoch()
        theirs.run_epoch()
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-4)
        assert ours.validation_loss == pytest.approx(theirs.validation_loss, rel=1e-4)
    for name, array in theirs.weights().items():
        np.testing.assert_allclose(ours.weights()[name], array, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("trainer", EVERY_TRAINER)
def test_training_repeats_and_goes_on_after_an_interruption(
    trainer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    train = wave_channel(n=300)
    options = {**TINY, "epochs": 3, "trainer": trainer}
    whole = LSTMForecaster(**options).fit(train, seed=1)
    run_epoch = LSTMTrainer.run_epoch

    def interrupted(trainer: LSTMTrainer) -> None:
        if trainer.epoch == 2:
            raise KeyboardInterrupt
        run_epoch(trainer)

    monkeypatch.setattr(LSTMTrainer, "run_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        LSTMForecaster(**options).fit(train, seed=1, checkpoint=tmp_path)
    epochs = []
    monkeypatch.setattr(LSTMTrainer, "run_epoch", lambda trainer: (epochs.append(trainer.epoch), run_epoch(trainer)))
    resumed = LSTMForecaster(**options).fit(train, seed=1, checkpoint=tmp_path)
    assert epochs == [2]
    assert resumed.metrics == whole.metrics
    assert resumed.metrics["epochs"] == 3
    for folder, forecaster in ((tmp_path / "whole", whole), (tmp_path / "resumed", resumed)):
        forecaster.save(folder)
    assert (tmp_path / "whole/model.onnx").read_bytes() == (tmp_path / "resumed/model.onnx").read_bytes()

    again = LSTMForecaster(**options).fit(train, seed=1, checkpoint=tmp_path)
    assert epochs == [2], "a finished training ran on"
    assert again.metrics == whole.metrics
    with pytest.raises(ForecasterError, match="another training: seed is 1 there and 2 here"):
        LSTMForecaster(**options).fit(train, seed=2, checkpoint=tmp_path)
    with pytest.raises(ForecasterError, match="another training: training data is"):
        LSTMForecaster(**options).fit(wave_channel(n=300, seed=9), seed=1, checkpoint=tmp_path)
    other_seed = LSTMForecaster(**options).fit(train, seed=2)
    assert not np.array_equal(other_seed.predict(train), whole.predict(train))
    assert capfd.readouterr() == ("", "")


def test_a_checkpoint_of_another_trainer_is_refused(tmp_path: Path) -> None:
    train = wave_channel(n=300)
    LSTMForecaster(**TINY, epochs=1).fit(train, seed=1, checkpoint=tmp_path)
    with pytest.raises(ForecasterError, match="another training"):
        LSTMForecaster(**TINY, epochs=2).fit(train, seed=1, checkpoint=tmp_path)


@pytest.mark.parametrize("trainer", EVERY_TRAINER)
def test_training_learns_and_stops_early(trainer: str, capfd: pytest.CaptureFixture[str]) -> None:
    train = wave_channel(n=400)
    options = {**TINY, "trainer": trainer}
    forecaster = LSTMForecaster(**options, epochs=9, patience=2, min_delta=10.0).fit(train, seed=0, progress=True)
    assert forecaster.metrics["epochs"] == 3  # the first is the best so far, the next two no better by 10
    assert "val_loss" in capfd.readouterr().err
    longer = LSTMForecaster(**options, epochs=15).fit(train, seed=0)
    assert longer.metrics["epochs"] == 15
    assert longer.metrics["validation_loss"] < 0.6 * forecaster.metrics["validation_loss"]


@pytest.mark.slow
def test_early_stopping_equals_keras() -> None:
    import keras

    losses = [1.0, 0.9, 0.8998, 0.8996, 0.95, 0.8, 0.7999, 0.81, 0.82, 0.7, 0.9, 0.9, 0.9, 0.9]

    class Scripted(NumpyTrainer):
        def learn_epoch(self, order: np.ndarray) -> tuple[float, float]:
            del order
            return 1.0, losses[self.epoch]

    ours = Scripted(LSTMForecaster(**TINY, patience=3, min_delta=0.0003), a_training())
    while not ours.finished:
        ours.run_epoch()
    theirs = keras.callbacks.EarlyStopping(monitor="val_loss", patience=3, min_delta=0.0003, mode="min")
    theirs.set_model(SimpleNamespace(stop_training=False))
    theirs.on_train_begin()
    for epoch, loss in enumerate(losses):
        theirs.on_epoch_end(epoch, {"val_loss": loss})
        if theirs.model.stop_training:
            break
    assert ours.epoch == epoch + 1 < len(losses)


@pytest.mark.parametrize("trainer", EVERY_TRAINER)
def test_a_diverging_training_is_an_error(trainer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    forecaster = LSTMForecaster(**TINY, epochs=2, trainer=trainer)
    make = TRAINERS[trainer]

    def extreme(forecaster: LSTMForecaster, training: Training) -> LSTMTrainer:
        training.values = training.values * np.float32(1e30)
        return make(forecaster, training)

    monkeypatch.setitem(TRAINERS, trainer, extreme)
    with pytest.raises(ForecasterError, match=r"X-1: the training loss became (nan|inf) in epoch 1"):
        forecaster.fit(wave_channel(n=300), seed=0)


def test_an_unknown_trainer_is_refused() -> None:
    with pytest.raises(ForecasterError, match=r"trainer is 'torch'.*numpy, keras"):
        LSTMForecaster(trainer="torch")
    assert set(TRAINERS) == {"numpy", "keras"}
