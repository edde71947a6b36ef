"""The demo fleet: two satellites and a pump, simulated with faults that are known exactly.

The embedded default of the workbench: everything works on it without any download. It is generated from
a seed alone; the same seed gives the same bytes. A fleet that is to be watched ends where it is asked to, and goes on
from there: `samples_to_come` returns what its machines do next.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import xarray as xr
from tqdm import tqdm

from workbench.exceptions import TelemetryError, WorkbenchError
from workbench.telemetry.archive import LABEL_COLUMNS, Archive
from workbench.telemetry.moments import ticks
from workbench.telemetry.schema import make_channel
from workbench.telemetry.synthetic.faults import Scene, orbiter_1_faults, orbiter_2_faults, pump_faults
from workbench.telemetry.synthetic.orbiter import Orbiter, simulate_orbiter
from workbench.telemetry.synthetic.pump import simulate_pump
from workbench.telemetry.synthetic.simulation import Fault, Floats

__all__ = ["DEMO_END", "MINUTES_TO_COME", "demo_fleet", "demo_source", "import_demo", "samples_to_come"]

DEMO_END = np.datetime64("2026-01-01T00:00", "ns")
"""End of every test series, UTC, where no other is asked for: the telemetry does not depend on the day it is made."""

MINUTES_TO_COME = 30 * 1440
"""Minutes for which a fleet whose end was asked for goes on behind it."""

_MINUTE = np.timedelta64(1, "m")
_SOURCE = re.compile(r"demo fleet, seed (\d+)(?:, going on from (\S+)Z)? \(synthetic\)")

Signals = dict[str, Floats]


@dataclass(frozen=True)
class _Sensor:
    """Sensor of a simulated quantity; all figures in `units`.

    `aged` is how many times its noise the test series has, of a fleet that goes on: its model has to be trained again.
    """

    quantity: str
    units: str
    noise: float
    resolution: float
    bottom: float
    aged: float = 1.0


@dataclass(frozen=True)
class _Machine:
    """One asset of the fleet."""

    asset: str
    n_train: int
    n_test: int
    simulate: Callable[[int, np.random.Generator], tuple[Signals, Signals]]
    faults: Callable[[Scene], list[Fault]]
    sensors: dict[str, _Sensor]


_FLEET = (
    _Machine(
        asset="Orbiter-1",
        n_train=5760,
        n_test=7200,
        simulate=partial(simulate_orbiter, Orbiter(period=96.0, eclipse=0.36, array=13.5, wheel=2400.0, radio=8.0)),
        faults=orbiter_1_faults,
        sensors={
            "PWR-1": _Sensor("battery voltage", "V", 0.02, 0.01, 0.0),
            "PWR-2": _Sensor("battery current", "A", 0.06, 0.02, -20.0),
            "SOL-1": _Sensor("array current", "A", 0.06, 0.02, -1.0),
            "SOL-2": _Sensor("array temperature", "°C", 0.4, 0.1, -120.0, aged=6.5),
            "RWA-1": _Sensor("wheel speed", "rpm", 4.0, 1.0, -6000.0),
            "RWA-2": _Sensor("wheel current", "A", 0.006, 0.002, -0.5),
            "COM-1": _Sensor("radio power", "W", 0.08, 0.02, -2.5),
            "COM-2": _Sensor("radio temperature", "°C", 0.2, 0.05, -50.0),
            "THM-1": _Sensor("tank temperature", "°C", 0.12, 0.05, -50.0),
            "THM-2": _Sensor("heater current", "A", 0.015, 0.005, -0.5),
        },
    ),
    _Machine(
        asset="Orbiter-2",
        n_train=5040,
        n_test=6480,
        simulate=partial(simulate_orbiter, Orbiter(period=101.0, eclipse=0.34, array=13.0, wheel=3100.0, radio=10.0)),
        faults=orbiter_2_faults,
        sensors={
            "PWR-3": _Sensor("battery voltage", "V", 0.02, 0.01, 0.0),
            "PWR-4": _Sensor("battery temperature", "°C", 0.08, 0.02, -50.0),
            "RWA-3": _Sensor("wheel current", "A", 0.006, 0.002, -0.5),
            "RWA-4": _Sensor("wheel temperature", "°C", 0.12, 0.05, -50.0),
            "COM-3": _Sensor("radio power", "W", 0.1, 0.02, -2.5),
            "COM-4": _Sensor("radio temperature", "°C", 0.2, 0.05, -50.0),
            "PAY-1": _Sensor("detector temperature", "K", 0.03, 0.01, 60.0),
            "PAY-2": _Sensor("cooler current", "A", 0.008, 0.002, -0.5),
        },
    ),
    _Machine(
        asset="Pump-1",
        n_train=5760,
        n_test=7920,
        simulate=simulate_pump,
        faults=pump_faults,
        sensors={
            "MOT-1": _Sensor("motor current", "A", 0.15, 0.05, -2.0),
            "MOT-2": _Sensor("winding temperature", "°C", 0.3, 0.1, -40.0),
            "PMP-1": _Sensor("flow", "l/min", 2.5, 0.5, -50.0),
            "PMP-2": _Sensor("pressure", "bar", 0.03, 0.01, -1.0),
            "BRG-1": _Sensor("vibration", "mm/s", 0.04, 0.01, -0.5),
            "BRG-2": _Sensor("bearing temperature", "°C", 0.2, 0.1, -40.0),
        },
    ),
)


def demo_fleet(
    seed: int = 0, end: np.datetime64 | None = None
) -> Iterator[tuple[xr.Dataset, xr.Dataset, pd.DataFrame]]:
    """Simulate the demo fleet.

    Parameters
    ----------
    seed : int
        Seed of everything random: schedules, noise, places of the faults.
    end : numpy.datetime64, optional
        End of every test series, UTC, of a fleet that goes on behind it; `DEMO_END`, behind which nothing comes, where
        omitted.

    Yields
    ------
    train, test : xarray.Dataset
        Splits of one channel, a sample a minute, the test series right after the training series. The
        training series is healthy.
    labels : pandas.DataFrame
        `start`, `end` (samples of the test series, both inclusive) and `kind` of each fault; no rows where
        the channel stays healthy.
    """
    for train, test, labels, _ in _fleet(seed, end):
        yield train, test, labels


def import_demo(archive: Archive, seed: int = 0, progress: bool = False, end: np.datetime64 | None = None) -> list[str]:
    """Write the demo fleet to an archive; channels that exist already stay untouched, damaged ones are written anew.

    Parameters
    ----------
    archive : Archive
        Archive that takes the channels.
    seed, end
        See `demo_fleet`. A fleet that is there in part is completed as it was begun, whatever they are.
    progress : bool
        Show a progress bar.

    Returns
    -------
    list of str
        Names of the channels.
    """
    begun = demo_source(archive)
    if begun is not None:
        seed, end = begun
    total = sum(len(machine.sensors) for machine in _FLEET)
    names = []
    for train, test, labels in tqdm(demo_fleet(seed, end), "Demo fleet", total, unit="channel", disable=not progress):
        name = str(test.attrs["channel"])
        if not (_was_extended(archive, name) if end is None else _can_be_read(archive, name)):
            archive.write(train, test, labels)
        names.append(name)
    return names


def demo_source(archive: Archive) -> tuple[int, np.datetime64 | None] | None:
    """Return seed and end of the demo fleet that an archive holds; None where it holds none, or anything else beside.

    The end is None where nothing comes behind it.
    """
    sources = {info.source for info in archive.infos()[0]}
    match = _SOURCE.fullmatch(sources.pop()) if len(sources) == 1 else None
    if match is None:
        return None
    return int(match[1]), None if match[2] is None else np.datetime64(match[2], "ns")


def samples_to_come(archive: Archive) -> dict[str, xr.Dataset]:
    """Return what comes of each channel behind the samples that an archive holds of the demo fleet.

    Parameters
    ----------
    archive : Archive
        Archive that holds a demo fleet whose end was asked for.

    Returns
    -------
    dict of str to xarray.Dataset
        Samples by channel, up to `MINUTES_TO_COME` behind the end; channels of which nothing comes are left out.

    Raises
    ------
    TelemetryError
        It does not hold such a fleet.
    """
    source = demo_source(archive)
    if source is None or source[1] is None:
        raise TelemetryError(
            "The archive holds no demo fleet that goes on.", "Make one in an empty home: workbench run"
        )
    there = set(archive.channels())
    coming = {}
    for _, _, _, rest in _fleet(*source):
        name = str(rest.attrs["channel"])
        if name not in there:
            continue
        newest = int(ticks(archive.open(name, indexed=False)["time"].variable[-1:].values)[0])
        behind = rest.isel(time=slice(int((ticks(rest["time"].values) <= newest).sum()), None))
        if behind.sizes["time"]:
            coming[name] = behind
    return coming


def _was_extended(archive: Archive, channel: str) -> bool:
    """Tell whether samples were added to a channel, or its training span was chosen anew, since the fleet was made."""
    try:
        return archive.training_span(channel) is not None
    except WorkbenchError:  # not there, or damaged
        return False


def _can_be_read(archive: Archive, channel: str) -> bool:
    with suppress(WorkbenchError):
        for split in ("train", "test"):
            archive.check_deeply(channel, split)
        return True
    return False


def _fleet(seed: int, end: np.datetime64 | None) -> Iterator[tuple[xr.Dataset, xr.Dataset, pd.DataFrame, xr.Dataset]]:
    """Yield training and test series, labels, and what comes behind them, of each channel."""
    for machine, sequence in zip(_FLEET, np.random.SeedSequence(seed).spawn(len(_FLEET)), strict=True):
        yield from _channels(machine, seed, sequence, end)


def _channels(
    machine: _Machine, seed: int, sequence: np.random.SeedSequence, end: np.datetime64 | None
) -> Iterator[tuple[xr.Dataset, xr.Dataset, pd.DataFrame, xr.Dataset]]:
    life, accidents, *sensors = (np.random.default_rng(child) for child in sequence.spawn(2 + len(machine.sensors)))
    cut, last = machine.n_train, machine.n_train + machine.n_test
    n = last if end is None else last + MINUTES_TO_COME
    signals, commands = machine.simulate(n, life)
    noise = {name: sensor.noise for name, sensor in machine.sensors.items()}
    faults = machine.faults(Scene(signals, commands, noise, cut, last, accidents))
    time = (DEMO_END if end is None else end.astype("datetime64[ns]")) + _MINUTE * (np.arange(n) - last)
    going_on = "" if end is None else f", going on from {np.datetime_as_string(end, 'm')}Z"
    columns = np.stack(list(commands.values()), axis=1).astype(np.int8)
    for (name, sensor), rng in zip(machine.sensors.items(), sensors, strict=True):
        own = sorted((fault for fault in faults if fault.channel == name), key=lambda fault: fault.start)
        telemetry = _measure(signals[sensor.quantity], sensor, own, rng, n if end is None else cut)
        split = partial(
            make_channel,
            command_names=list(commands),
            channel=name,
            asset=machine.asset,
            subsystem=name.partition("-")[0],
            units=sensor.units,
            source=f"demo fleet, seed {seed}{going_on} (synthetic)",
            sample_period="PT1M",
        )
        train, whole = (
            split(telemetry[part], columns[part], time=time[part]) for part in (slice(0, cut), slice(cut, n))
        )
        test, rest = (whole.isel(time=part) for part in (slice(0, machine.n_test), slice(machine.n_test, None)))
        yield train, test, _labels([fault for fault in own if fault.start < last], cut, last), rest


def _measure(clean: Floats, sensor: _Sensor, faults: list[Fault], rng: np.random.Generator, aged_from: int) -> Floats:
    """Return the telemetry of a sensor, with noise, faults and a finite resolution."""
    noise = rng.normal(0.0, sensor.noise, clean.size)
    noise[aged_from:] *= sensor.aged
    values = clean + noise
    for fault in faults:
        if fault.change is not None:
            values[fault.start : fault.stop] += fault.change
    values = np.round(values / sensor.resolution) * sensor.resolution
    for fault in faults:
        if fault.kind == "stuck":
            values[fault.start : fault.stop] = values[fault.start - 1]
        elif fault.kind == "dropout":
            values[fault.start : fault.stop] = sensor.bottom
    return values


def _labels(faults: list[Fault], n_train: int, last: int) -> pd.DataFrame:
    rows = [(fault.start - n_train, min(fault.stop, last) - 1 - n_train, fault.kind) for fault in faults]
    table = pd.DataFrame(rows, columns=list(LABEL_COLUMNS))
    return table.astype({"start": np.int64, "end": np.int64, "kind": str})
