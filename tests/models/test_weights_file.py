import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from tests.conftest import wave_channel
from tests.models.lstms import default_lstm, tiny_lstm
from workbench.exceptions import ArtifactError
from workbench.models import weights_file
from workbench.models.weights_file import from_file, to_bytes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "X-1.lstm.safetensors"
    path.write_bytes(to_bytes(tiny_lstm(), "X-1", "float16"))
    return path


def change(path: Path, described: dict[str, Any] | None = None, **weights: Any) -> None:
    """Write the file anew with another description, or with other weights (None takes one away)."""
    with safe_open(path, framework="numpy") as file:
        description = json.loads(file.metadata()["workbench"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
    arrays.update({name.replace("__", "."): array for name, array in weights.items()})
    arrays = {name: array for name, array in arrays.items() if array is not None}
    save_file(arrays, path, {"workbench": json.dumps({**description, **(described or {})})})


def test_float32_reads_back_as_it_was(path: Path) -> None:
    path.write_bytes(to_bytes(tiny_lstm(), "X-1", "float32"))
    loaded = from_file(path, "X-1")
    assert loaded.parameters == tiny_lstm().parameters
    assert loaded.metrics == tiny_lstm().metrics
    channel = wave_channel("X-1", seed=7)
    np.testing.assert_array_equal(loaded.predict(channel), tiny_lstm().predict(channel))


def test_float16_rounds_the_weights_and_takes_half_the_space(path: Path) -> None:
    loaded = from_file(path, "X-1").to_weights()
    for name, array in tiny_lstm().to_weights().items():
        np.testing.assert_array_equal(loaded[name], array.astype(np.float16))
    whole, half = (len(to_bytes(default_lstm(), "X-1", dtype)) for dtype in ("float32", "float16"))
    assert 0.5 < half / whole < 0.51


def test_telemetry_in_its_own_units_is_scaled_after_loading_too(path: Path) -> None:
    channel = wave_channel("X-1")
    channel["telemetry"] = channel["telemetry"] * 40 + 300
    model = type(tiny_lstm())(sequence_length=20, prediction_horizon=3, units=[4], epochs=1).fit(channel)
    path.write_bytes(to_bytes(model, "X-1", "float32"))
    np.testing.assert_array_equal(from_file(path, "X-1").predict(channel), model.predict(channel))


def test_the_same_model_gives_the_same_bytes(path: Path) -> None:
    again = from_file(path, "X-1")
    assert {to_bytes(model, "X-1", "float16") for model in (tiny_lstm(), again)} == {path.read_bytes()}


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_weights_that_cannot_be_stored_are_refused(dtype: Any, path: Path) -> None:
    change(path, dense__bias=np.array([0, 1e6, 0] if dtype == "float16" else [0, 1, 0], np.float32))
    model = from_file(path, "X-1")
    model.metrics["loss"] = 1.0 if dtype == "float16" else np.nan
    what = "weights that are not finite: dense.bias" if dtype == "float16" else "a metric that is not finite"
    with pytest.raises(ArtifactError, match=f"X-1 has {what}"):
        to_bytes(model, "X-1", dtype)


@pytest.mark.parametrize(
    ("described", "weights", "message"),
    [
        ({"channel": "X-2"}, {}, "is the model of X-2, not of X-1"),
        ({"format_version": 2}, {}, "format_version: Input should be 1"),
        ({"forecaster": "ridge"}, {}, "forecaster: Input should be 'lstm'"),
        ({"n_inputs": 3}, {}, "scaling needs 3 offsets"),
        ({"scaling": {"offset": [0, 0], "scale": [1, 0]}}, {}, "scales other than 0"),
        ({"scaling": {"offset": [0, float("nan")], "scale": [1, 1]}}, {}, r"scaling\.offset\.1"),
        ({"metrics": {"validation_error": float("inf")}}, {}, r"metrics\.validation_error"),
        ({"parameters": {"units": [80, 80]}}, {}, r"layers of \[6, 5\] units .* says 2, \[80, 80\] and 10"),
        ({"parameters": {"units": [6, 5], "prediction_horizon": 4}}, {}, "predicts 3 samples"),
        ({"parameters": {"sequence_length": 10**30}}, {}, "sequence_length is 1"),
        ({"parameters": {"sequence_length": 20.5}}, {}, r"sequence_length is 20\.5"),
        ({"parameters": {"depth": 3}}, {}, "describes no LSTM.*depth"),
        ({"parameters": {"dropout": 2}}, {}, "dropout is 2"),
        ({"more": 1}, {}, "more: Extra inputs"),
        ({}, {"dense__bias": np.array([0, np.nan, 0], np.float16)}, r"not finite: dense\.bias"),
        ({}, {"dense__bias": np.zeros(3)}, "holds F16, F64; allowed: F16, F32"),
        ({}, {"dense__bias": np.zeros(4, np.float16)}, "weights have the shapes"),
        ({}, {"dense__bias": None}, "weights have the shapes"),
        ({}, {"more": np.zeros(4, np.float16)}, "weights have the shapes"),
        ({}, {"dense__bias": np.array(0, np.float16)}, "weights have the shapes"),
    ],
)
def test_what_does_not_fit_is_refused(
    path: Path, described: dict[str, Any], weights: dict[str, Any], message: str
) -> None:
    change(path, described, **weights)
    with pytest.raises(ArtifactError, match=f"^{re.escape(str(path))} .*{message}"):
        from_file(path, "X-1")


def test_foreign_and_damaged_files_are_refused_by_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = path.read_bytes()
    for damaged in (b"", content[:5], content[:-1], content + b"0", b"\xff" * 500, content[:200]):
        path.write_bytes(damaged)
        with pytest.raises(ArtifactError, match=r"X-1\.lstm\.safetensors is not a safetensors file"):
            from_file(path, "X-1")
    save_file({"a": np.zeros(3)}, path)
    with pytest.raises(ArtifactError, match=r"X-1\.lstm\.safetensors is not a model of the workbench"):
        from_file(path, "X-1")
    monkeypatch.setattr(weights_file, "MOST_BYTES", 10)
    with pytest.raises(ArtifactError, match="at most 10 are read"):
        from_file(path, "X-1")
    path.unlink()
    with pytest.raises(ArtifactError, match="cannot be read: No such file"):
        from_file(path, "X-1")
    path.mkdir()
    with pytest.raises(ArtifactError, match=r"X-1\.lstm\.safetensors"):
        from_file(path, "X-1")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_is_refused_or_gives_a_model(path: Path, data: st.DataObject) -> None:
    content = bytearray(to_bytes(tiny_lstm(), "X-1", "float16"))
    header = int.from_bytes(content[:8], "little") + 8
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, header + 20))] = data.draw(st.integers(0, 255))
    damaged = path.with_name(hashlib.sha256(content).hexdigest())
    damaged.write_bytes(content)
    try:
        model = from_file(damaged, "X-1")
    except ArtifactError as error:
        assert damaged.name in str(error)
    else:
        assert model.n_inputs == 2
