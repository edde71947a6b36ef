import numpy as np
import pytest
import xarray as xr
from conftest import wave_channel

from workbench.exceptions import SchemaError
from workbench.telemetry.schema import data_hash, inputs, make_channel, validate


def test_one_hot_commands_are_int8_and_other_inputs_float32():
    assert make_channel([0, 1], [[0, 1], [1, 0]], channel="A", asset="B")["commands"].dtype == np.int8
    assert make_channel([0, 1], [[0, 0.5], [1, 0]], channel="A", asset="B")["commands"].dtype == np.float32
    assert make_channel([0, 1], [[0, np.nan], [1, 0]], channel="A", asset="B")["commands"].dtype == np.float32
    assert make_channel([0, 1], channel="A", asset="B")["commands"].shape == (2, 0)


def test_inputs_are_telemetry_then_commands():
    channel = make_channel([5, 6], [[0, 1], [1, 0]], channel="A", asset="B")
    stacked = inputs(channel)
    assert stacked.dtype == np.float32
    assert stacked.tolist() == [[5, 0, 1], [6, 1, 0]]


def test_the_hash_follows_every_value_and_nothing_else():
    channel = wave_channel()
    same = wave_channel().assign_attrs(units="K")
    assert data_hash(channel) == data_hash(same)
    for changed in (
        channel.assign(telemetry=channel["telemetry"] + 1),
        channel.assign(commands=1 - channel["commands"]),
        channel.assign_coords(time=channel["time"] + 1),
        channel.isel(time=slice(1, None)),
    ):
        assert data_hash(changed) != data_hash(channel)


def broken(**changes: object) -> xr.Dataset:
    return wave_channel().assign(**changes)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (wave_channel().drop_vars("commands"), "X-1: no variable 'commands'"),
        (broken(telemetry=("time", np.zeros(1200, np.float16))), "telemetry must be float32 or float64, not float16"),
        (broken(telemetry=("command", np.zeros(1, np.float32))), r"telemetry must have dims \('time',\)"),
        (wave_channel().drop_vars("time"), "no coordinate 'time'"),
        (wave_channel().assign_coords(time=np.zeros(1200, int)), "time must rise strictly"),
        (
            wave_channel().assign_coords(time=np.linspace(0, 1, 1200)),
            r"time must be datetime64\[ns\] or sample numbers",
        ),
        (
            wave_channel().assign_coords(time=np.arange(1200).astype("datetime64[us]")),
            r"time must be datetime64\[ns\] or sample numbers, not datetime64\[us\]",
        ),
        (wave_channel().isel(time=slice(0, 0)), "time must hold at least one sample"),
        (wave_channel().assign_attrs(units=None), "attribute 'units' must be a string, not None"),
        (wave_channel().assign_attrs(asset=""), "attribute 'asset' must not be empty"),
    ],
)
def test_what_breaks_the_contract_is_named(dataset, message):
    with pytest.raises(SchemaError, match=message):
        validate(dataset)


def test_all_faults_are_named_at_once():
    with pytest.raises(SchemaError, match=r"no variable 'commands'.*'units' must be a string"):
        validate(wave_channel().drop_vars("commands").assign_attrs(units=1))


@pytest.mark.parametrize(
    ("commands", "message"), [([0, 1], "must have dims"), ([[0], [1], [0]], "do not fit each other")]
)
def test_arrays_that_do_not_fit_are_refused(commands, message):
    with pytest.raises(SchemaError, match=message):
        make_channel([0, 1], commands, channel="A", asset="B")
