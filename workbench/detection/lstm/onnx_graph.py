"""The ONNX graph that serves a trained LSTM: written from Keras' weights, run without Keras."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.exceptions import ArtifactError, ForecasterError

__all__ = ["build_graph", "open_graph", "run"]

Weights = Mapping[str, npt.NDArray[np.float32]]

_OPSET = 17
_IR_VERSION = 9
_KERAS_TO_ONNX = (0, 3, 1, 2)  # gates: input, forget, cell, output -> input, output, forget, cell
_MAX_STEPS = 10  # by which the layers advance together

# ONNX Runtime reports to its maker unless this is set before it loads.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def build_graph(weights: Weights, sequence_length: int) -> bytes:
    """Write LSTM layers and a dense layer as an ONNX model.

    Parameters
    ----------
    weights : mapping of str to numpy.ndarray, float32
        As Keras has them: `lstm_0.kernel` (d, 4u), `lstm_0.recurrent` (u, 4u), `lstm_0.bias` (4u,) and so on
        for each layer, gates in the order input, forget, cell, output; `dense.kernel` (u, horizon),
        `dense.bias` (horizon,).
    sequence_length : int
        Samples of a window.

    Returns
    -------
    bytes
        Model with input `windows` (sequence_length, batch, d), time first, and output `prediction`
        (batch, horizon). Only the last state of the last layer is read.

    Raises
    ------
    ForecasterError
        A weight is missing, or its shape does not fit the others.

    Notes
    -----
    The layers advance together over a few steps at a time (a Scan that carries their states), which gives the
    same numbers as layer after layer over the whole window, a fifth faster: what one layer hands to the next
    stays in the processor's cache.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    n_layers = _check_weights(weights)
    units = [len(weights[f"lstm_{layer}.recurrent"]) for layer in range(n_layers)]
    n_inputs, horizon = len(weights["lstm_0.kernel"]), len(weights["dense.bias"])
    steps = max(steps for steps in range(1, _MAX_STEPS + 1) if sequence_length % steps == 0)

    def tensor(name: str, *shape: int | str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    def arrays(**named: npt.NDArray[Any]) -> list[Any]:
        return [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in named.items()]

    body = []
    states = []
    next_states = []
    flow = "steps"
    nodes = [
        helper.make_node("Reshape", ["windows", "blocks_shape"], ["blocks"]),
        helper.make_node("Shape", ["windows"], ["batch"], start=1, end=2),
    ]
    constants = arrays(blocks_shape=np.array([sequence_length // steps, steps, -1, n_inputs]), axis=np.array([0]))
    constants += arrays(direction=np.array([1]))
    for layer, size in enumerate(units):
        state = [f"{part}_{layer}" for part in ("hidden", "cell")]
        after = [f"{part}_{layer}_after" for part in ("hidden", "cell")]
        states += [tensor(name, 1, "batch", size) for name in state]
        next_states += [tensor(name, 1, "batch", size) for name in after]
        names = [f"lstm_{layer}.{part}" for part in ("W", "R", "B")]
        constants += arrays(**dict(zip(names, _onnx_weights(weights, layer), strict=True)))
        last = layer == n_layers - 1
        outputs = ["" if last else f"outputs_{layer}", *after]
        body.append(helper.make_node("LSTM", [flow, *names, "", *state], outputs, hidden_size=size))
        if not last:
            flow = f"flow_{layer}"
            body.append(helper.make_node("Squeeze", [outputs[0], "direction"], [flow]))
        constants += arrays(**{f"units_{layer}": np.array([size])})
        nodes.append(helper.make_node("Concat", ["direction", "batch", f"units_{layer}"], [f"shape_{layer}"], axis=0))
        nodes.append(helper.make_node("ConstantOfShape", [f"shape_{layer}"], [f"zeros_{layer}"]))
    scanned = helper.make_graph(body, "steps", [*states, tensor("steps", steps, "batch", n_inputs)], next_states)
    zeros = [f"zeros_{layer}" for layer in range(n_layers) for _ in range(2)]
    finals = [f"final_{name.name}" for name in states]
    constants += arrays(**{name: weights[name] for name in ("dense.kernel", "dense.bias")})
    nodes += [
        helper.make_node("Scan", [*zeros, "blocks"], finals, num_scan_inputs=1, body=scanned),
        helper.make_node("Squeeze", [finals[-2], "axis"], ["state"]),
        helper.make_node("Gemm", ["state", "dense.kernel", "dense.bias"], ["prediction"]),
    ]
    window, prediction = tensor("windows", sequence_length, "batch", n_inputs), tensor("prediction", "batch", horizon)
    graph = helper.make_graph(nodes, "lstm", [window], [prediction], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized


def open_graph(graph: bytes) -> Any:
    """Open an ONNX model for prediction.

    Parameters
    ----------
    graph : bytes
        As `build_graph` gives it.

    Returns
    -------
    onnxruntime.InferenceSession
        It works in the thread that calls it, gives memory back after each call, and may be called from
        several threads at once.

    Raises
    ------
    ArtifactError
        It is not a model that can be run.
    """
    return _session(graph, keep_memory=False)


def run(session: Any, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Run an open model.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        As `open_graph` gives it.
    batch : numpy.ndarray, shape (sequence_length, batch, d), float32
        Windows, time first.

    Returns
    -------
    numpy.ndarray, shape (batch, horizon), float32
    """
    prediction: npt.NDArray[np.float32] = session.run(["prediction"], {"windows": batch})[0]
    return prediction


def _session(graph: bytes, *, keep_memory: bool) -> Any:
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = keep_memory
    options.log_severity_level = 4  # errors are raised
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except (
        states.Fail,
        states.InvalidProtobuf,
        states.InvalidGraph,
        states.InvalidArgument,
        states.NotImplemented,
    ) as error:
        raise ArtifactError(f"The ONNX model cannot be run: {error}", "Train the model again.") from None


def _onnx_weights(weights: Weights, layer: int) -> list[npt.NDArray[np.float32]]:
    """Return a layer's kernel, recurrent kernel and biases as ONNX has them, with an axis for the direction."""
    kernel, recurrent, bias = (
        _regate(weights[f"lstm_{layer}.{part}"], _KERAS_TO_ONNX) for part in ("kernel", "recurrent", "bias")
    )
    return [array[None] for array in (kernel.T, recurrent.T, np.concatenate([bias, np.zeros_like(bias)]))]


def _regate(array: npt.NDArray[np.float32], order: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Put the four gates along the last axis into another order."""
    gates = np.split(array, 4, axis=-1)
    return np.concatenate([gates[gate] for gate in order], axis=-1)


def _check_weights(weights: Weights) -> int:
    """Count the layers; refuse weights that do not fit each other."""
    shapes = {name: array.shape for name, array in weights.items()}
    expected = dict(_expected_shapes(shapes))
    if shapes != expected:
        raise ForecasterError(f"The weights have the shapes {shapes}.", f"Expected {expected}.")
    return sum(name.endswith(".kernel") for name in shapes) - 1


def _expected_shapes(shapes: dict[str, tuple[int, ...]]) -> Iterator[tuple[str, tuple[int, ...]]]:
    n_layers = max(1, sum(name.startswith("lstm_") and name.endswith(".kernel") for name in shapes))
    width = (shapes.get("lstm_0.kernel") or (1,))[0]
    for layer in range(n_layers):
        units = (shapes.get(f"lstm_{layer}.recurrent") or (1,))[0]
        yield f"lstm_{layer}.kernel", (width, 4 * units)
        yield f"lstm_{layer}.recurrent", (units, 4 * units)
        yield f"lstm_{layer}.bias", (4 * units,)
        width = units
    horizon = (shapes.get("dense.bias") or (1,))[0]
    yield "dense.kernel", (width, horizon)
    yield "dense.bias", (horizon,)
