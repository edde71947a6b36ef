"""What every member of a registry must do; tests run these over the registry without listing its members."""

import io
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from ipywidgets.widgets.widget import _instances

import workbench as wb
from tests.conftest import wave_channel
from workbench.detection.forecasters import Forecaster
from workbench.detection.windows import sliding, split_windows
from workbench.exceptions import ArchiveError, ArtifactError, ForecasterError
from workbench.telemetry.schema import inputs, make_channel
from workbench.views.base import View
from workbench.views.state import Selected, State
from workbench.views.widgets.callbacks import is_callback

LENGTH, HORIZON = 20, 3
SMALL = {"lstm": {"units": [4], "epochs": 1}}
"""What keeps a forecaster's fit short, where its defaults are not."""

Make = Callable[[], Forecaster]


def check_forecaster(cls: type[Forecaster]) -> None:
    """Hold a forecaster to its protocol: fit, predict, save, load, and one clear error for every bad input."""

    def make() -> Forecaster:
        options: dict[str, Any] = {"sequence_length": LENGTH, "prediction_horizon": HORIZON, **SMALL.get(cls.name, {})}
        return cls(**options)

    defaults = cls()
    assert isinstance(defaults, Forecaster)
    assert (defaults.sequence_length, defaults.prediction_horizon, defaults.n_inputs) == (250, 10, None)
    assert json.loads(json.dumps(defaults.parameters)) == defaults.parameters
    assert cls(**defaults.parameters).parameters == defaults.parameters
    check_unfitted(make)

    train, test = wave_channel(n=300), wave_channel(n=200, seed=1)
    forecaster = make()
    parameters = forecaster.parameters
    assert forecaster.fit(train, seed=3) is forecaster
    assert forecaster.parameters == parameters
    assert forecaster.n_inputs == 2
    check_predictions(forecaster, train, test)
    assert np.array_equal(make().fit(train, seed=3).predict(test), forecaster.predict(test)), "the fit is not seeded"
    check_saving(forecaster, test)
    check_missing(make, train)
    check_bad_input(forecaster, make, train)
    check_units(make, train, test)
    check_odd_training(make, test)


def check_unfitted(make: Make) -> None:
    with pytest.raises(ForecasterError, match="not fitted"):
        make().predict(wave_channel())
    with pytest.raises(ForecasterError, match="not fitted"):
        make().predict_window(np.zeros((LENGTH, 2), dtype=np.float32))
    with tempfile.TemporaryDirectory() as folder, pytest.raises(ForecasterError, match="not fitted"):
        make().save(Path(folder))


def check_predictions(forecaster: Forecaster, train: xr.Dataset, test: xr.Dataset) -> None:
    values = inputs(test)
    predicted = forecaster.predict(test)
    assert predicted.dtype == np.float32
    assert predicted.shape == (200 - LENGTH - HORIZON,)
    assert np.isfinite(predicted).all()
    by_window = [forecaster.predict_window(values[i : i + LENGTH]) for i in range(predicted.size)]
    assert {window.shape for window in by_window} == {(HORIZON,)}
    assert {window.dtype for window in by_window} == {np.dtype(np.float32)}
    np.testing.assert_allclose(predicted, [window[0] for window in by_window], atol=1e-5)

    together = forecaster.predict_windows(sliding(values, LENGTH)[: predicted.size])
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, by_window, atol=1e-5)
    assert forecaster.predict_windows(np.zeros((0, LENGTH, 2), np.float32)).shape == (0, HORIZON)
    for wrong in ((4, LENGTH + 1, 2), (4, LENGTH, 3), (LENGTH, 2)):
        with pytest.raises(ForecasterError, match="The windows have shape"):
            forecaster.predict_windows(np.zeros(wrong, np.float32))
    with pytest.raises(ForecasterError, match="NaN"):
        forecaster.predict_windows(np.full((1, LENGTH, 2), np.nan, np.float32))

    changed = values.copy()
    changed[LENGTH + 50 :, 0] += 9
    later = make_channel(changed[:, 0], changed[:, 1:], channel="X-1", asset="X")
    np.testing.assert_allclose(forecaster.predict(later)[:51], predicted[:51], atol=1e-6, err_msg="it sees the future")

    held_out = split_windows(300 - LENGTH - HORIZON, seed=3)[1]
    error = np.abs(forecaster.predict(train) - inputs(train)[LENGTH:-HORIZON, 0])[held_out].mean()
    assert forecaster.metrics["validation_error"] == pytest.approx(error, rel=1e-5)
    assert all(isinstance(value, float) for value in forecaster.metrics.values())


def check_saving(forecaster: Forecaster, test: xr.Dataset) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "new" / "model"
        forecaster.save(folder)
        files = sorted(folder.iterdir())
        assert {file.suffix for file in files} <= {".json", ".safetensors", ".onnx"}
        loaded = type(forecaster).load(folder)
        assert np.array_equal(loaded.predict(test), forecaster.predict(test))
        assert (loaded.parameters, loaded.metrics) == (forecaster.parameters, forecaster.metrics)
        for file in files:
            content = file.read_bytes()
            for damaged in (b"", content[: len(content) // 2], b"\xff" * 64):
                file.write_bytes(damaged)
                with pytest.raises(ArtifactError):
                    type(forecaster).load(folder)
            file.unlink()
            with pytest.raises(ArtifactError, match=file.name):
                type(forecaster).load(folder)
            file.write_bytes(content)


def check_bad_input(forecaster: Forecaster, make: Make, train: xr.Dataset) -> None:
    least = LENGTH + HORIZON + 2
    make().fit(train.isel(time=slice(least)))
    with pytest.raises(ForecasterError, match=f"X-1 has {least - 1} samples. At least {least} are needed"):
        make().fit(train.isel(time=slice(least - 1)))
    assert forecaster.predict(train.isel(time=slice(least - 1))).shape == (1,)
    with pytest.raises(ForecasterError, match=f"X-1 has {least - 2} samples. At least {least - 1} are needed"):
        forecaster.predict(train.isel(time=slice(least - 2)))
    broken = train.copy(deep=True)
    broken["telemetry"][[70, 90]] = np.inf
    for method in (make().fit, forecaster.predict):
        with pytest.raises(ForecasterError, match=r"X-1 holds 2 samples .* the first at sample 70 \(telemetry"):
            method(broken)
    with pytest.raises(ForecasterError, match="X-1 has 1 input"):
        forecaster.predict(train.isel(command=slice(0)))
    with pytest.raises(ForecasterError, match=r"The window has shape \(5, 2\). Expected \(20, 2\)"):
        forecaster.predict_window(np.zeros((5, 2), dtype=np.float32))
    with pytest.raises(ForecasterError, match="The window has 3 inputs"):
        forecaster.predict_window(np.zeros((LENGTH, 3), dtype=np.float32))
    with pytest.raises(ForecasterError, match="first at sample 4"):
        forecaster.predict_window(np.where(np.arange(LENGTH)[:, None] == 4, np.nan, np.zeros((LENGTH, 2))))


def check_missing(make: Make, train: xr.Dataset) -> None:
    """Windows without a target are not learned from; the last value stands for a missing input."""
    gappy = train.copy(deep=True)
    gappy["telemetry"][[0, 70, 71, 90]] = np.nan
    gappy["telemetry"][120:160] = np.nan
    fitted = make().fit(gappy, seed=3)
    filled = gappy.assign(telemetry=("time", gappy["telemetry"].to_series().ffill().bfill().to_numpy()))
    predicted = fitted.predict(gappy)
    np.testing.assert_array_equal(predicted, fitted.predict(filled))
    held_out = split_windows(predicted.size, seed=3)[1]
    there = ~np.isin(held_out + LENGTH, [70, 71, 90, *range(120, 160 + LENGTH // 2)])
    error = np.abs(predicted - gappy["telemetry"].values[LENGTH:-HORIZON])[held_out[there]].mean()
    assert fitted.metrics["validation_error"] == pytest.approx(error, rel=1e-5)
    for values in (np.where(np.arange(train.sizes["time"]) < 9, 1.0, np.nan), np.full(train.sizes["time"], np.nan)):
        with pytest.raises(ForecasterError, match=r"X-1 (has 0 windows to learn from: 291 training|holds no value)"):
            make().fit(train.assign(telemetry=("time", values.astype(np.float32))))


def check_units(make: Make, train: xr.Dataset, test: xr.Dataset) -> None:
    """The same signal in other units gives the same predictions in those units."""
    low, high = float(train.telemetry.min()), float(train.telemetry.max())

    def converted(channel: xr.Dataset, factor: float, offset: float) -> xr.Dataset:
        scaled = (channel["telemetry"].astype(np.float64) - (high + low) / 2) * (2 / (high - low))
        return channel.assign(telemetry=(scaled * factor + offset).astype(np.float32)).assign_attrs(units="Pa")

    plain = make().fit(converted(train, 1, 0)).predict(converted(test, 1, 0))
    pascal = make().fit(converted(train, 500, 101_325)).predict(converted(test, 500, 101_325))
    np.testing.assert_allclose((pascal - 101_325) / 500, plain, atol=2e-3)


def check_odd_training(make: Make, test: xr.Dataset) -> None:
    """Constant telemetry, repeated, constant and non-binary commands, and none: all can be fitted."""
    n = 200
    wave = np.sin(np.arange(n) / 5)
    step = (np.arange(n) % 40 < 20).astype(float)
    telemetry = {"constant": np.full(n, 27.5), "wave": wave}
    commands = {
        "none": np.zeros((n, 0)),
        "dependent": np.stack([step, step, 1 - step, np.zeros(n), np.ones(n)], axis=1),
        "continuous": np.stack([1e4 * wave, np.full(n, 7.0)], axis=1),
    }
    for signal in telemetry.values():
        for given in commands.values():
            channel = make_channel(signal, given, channel="X-1", asset="X")
            predicted = make().fit(channel).predict(channel)
            assert np.isfinite(predicted).all()
            if signal is telemetry["constant"]:
                assert np.abs(predicted - 27.5).max() < 1.5


def check_view(name: str, cls: type[View], session: Any) -> None:
    """Hold a view to the frame's contract on a small fleet: state, selection, looks, exports, errors, an end."""
    before = set(_instances)
    view = cls(session)
    assert (view.name, bool(view.title)) == (name, True)
    assert view.failure is None
    assert not set(view.keys) & {"view", "asset", "channel", "anomaly", "from", "to"}
    check_callbacks(view)
    check_states(view, cls, session)
    check_exports(view, session)
    check_looks(view)
    check_failures(view, cls, session)
    view.close()
    view.close()
    assert set(_instances) <= before, "widgets stay after close"


def check_callbacks(view: View) -> None:
    """Whatever a widget calls in our code is a named method under `callback`."""
    ours = [called for widget in tree(view.widget) for called in called_by(widget)]
    assert ours, "nothing can be clicked"
    assert [called.__qualname__ for called in ours if not is_callback(called)] == []


def tree(root: Any) -> Iterator[Any]:
    yield root
    for child in getattr(root, "children", ()):
        yield from tree(child)


def called_by(widget: Any) -> Iterator[Any]:
    handlers = list(getattr(getattr(widget, "_click_handlers", None), "callbacks", []))
    handlers += getattr(widget, "handlers", {}).values()
    for by_kind in widget._trait_notifiers.values():
        handlers += [handler for group in by_kind.values() for handler in group]
    for handler in handlers:
        if getattr(handler, "__module__", "").startswith("workbench."):
            yield handler


def check_states(view: View, cls: type[View], session: Any) -> None:
    for row in session.overview().to_dict(orient="records"):
        view.selection.choose(Selected(row["asset"], row["channel"]))
        assert view.failure is None
        state = view.state
        assert (state["view"], state["channel"]) == (view.name, row["channel"])
        assert State.parse(state.query()) == state
        again = cls(session, state=state)
        assert again.failure is None
        assert again.state == state, "a link does not show the same again"
        again.close()
    view.restore(State({"channel": "nothing-of-this-name", "asset": "nowhere"}))
    assert view.failure is not None, "a link to a channel that is not there says nothing"
    view.restore(state)
    assert view.failure is None, "the card stays"


def check_exports(view: View, session: Any) -> None:
    made = view.export_csv()
    assert made is not None
    assert made[0].endswith(".csv")
    table = pd.read_csv(io.StringIO(made[1]))
    assert len(table) == len(view.shown_table())
    assert view.charts(), "no chart can be saved"
    scope: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wb, "open", lambda: session, raising=False)
        *lines, last = view.code().splitlines()
        exec(compile("\n".join([*lines, f"opened = {last}"]), "cell", "exec"), scope)
    opened = scope["opened"]
    assert opened.state == view.state, "the code does not show the same"
    opened.close()


def check_looks(view: View) -> None:
    view.set_theme("dark", "roomy")
    open_before = len(_instances)
    for theme in ("light", "dark", "light"):
        view.set_theme(theme, "compact")
        view.refresh()
    assert view.failure is None
    assert len(_instances) <= open_before, "each look, or each refresh, leaves widgets behind"


def check_failures(view: View, cls: type[View], session: Any) -> None:
    def fail() -> pd.DataFrame:
        raise ArchiveError("The archive cannot be read.", "Mend it.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "overview", fail)
        view.outdate()
        assert view.failure is not None
        assert view.failure.what == "The archive cannot be read."
        broken = cls(session)
        assert broken.failure is not None, "a view that cannot read its data says nothing"
        broken.close()
    view.outdate()
    assert view.failure is None
