"""The demo fleet: two satellites and a pump, simulated with faults that are known exactly.

The embedded default of the workbench: everything works on it without any download. It is generated from
a seed alone; the same seed gives the same bytes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import xarray as xr
from tqdm import tqdm

from workbench.exceptions import WorkbenchError
from workbench.telemetry.archive import LABEL_COLUMNS, Archive
from workbench.telemetry.schema import make_channel
from workbench.telemetry.synthetic.faults import Scene, orbiter_1_faults, orbiter_2_faults, pump_faults
from workbench.telemetry.synthetic.orbiter import Orbiter, simulate_orbiter
from workbench.telemetry.synthetic.pump import simulate_pump
from workbench.telemetry.synthetic.simulation import Fault, Floats

__all__ = ["DEMO_END", "demo_fleet", "import_demo"]

DEMO_END = np.datetime64("2026-01-01T00:00", "ns")
"""End of every test series, UTC; no demo telemetry depends on the day on which it is made."""

_MINUTE = np.timedelta64(1, "m")

Signals = dict[str, Floats]


@dataclass(frozen=True)
class _Sensor:
    """Sensor of a simulated quantity; all figures in `units`."""

    quantity: str
    units: str
    noise: float
    resolution: float
    bottom: float


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
            "SOL-2": _Sensor("array temperature", "°C", 0.4, 0.1, -120.0),
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


def demo_fleet(seed: int = 0) -> Iterator[tuple[xr.Dataset, xr.Dataset, pd.DataFrame]]:
    """Simulate the demo fleet.

    Parameters
    ----------
    seed : int
        Seed of everything random: schedules, noise, places of the faults.

    Yields
    ------
    train, test : xarray.Dataset
        Splits of one channel, a sample a minute, the test series right after the training series. The
        training series is healthy.
    labels : pandas.DataFrame
        `start`, `end` (samples of the test series, both inclusive) and `kind` of each fault; no rows where
        the channel stays healthy.
    """
    for machine, sequence in zip(_FLEET, np.random.SeedSequence(seed).spawn(len(_FLEET)), strict=True):
        yield from _channels(machine, seed, sequence)


def import_demo(archive: Archive, seed: int = 0, progress: bool = False) -> list[str]:
    """Write the demo fleet to an archive; channels that exist already stay untouched, damaged ones are written anew.

    Parameters
    ----------
    archive : Archive
        Archive that takes the channels.
    seed : int
        See `demo_fleet`.
    progress : bool
        Show a progress bar.

    Returns
    -------
    list of str
        Names of the channels.
    """
    total = sum(len(machine.sensors) for machine in _FLEET)
    names = []
    for train, test, labels in tqdm(demo_fleet(seed), "Demo fleet", total, unit="channel", disable=not progress):
        if not _was_extended(archive, str(test.attrs["channel"])):
            archive.write(train, test, labels)
        names.append(str(test.attrs["channel"]))
    return names


def _was_extended(archive: Archive, channel: str) -> bool:
    """Tell whether samples were added to a channel, or its training span was chosen anew, since the fleet was made."""
    try:
        return archive.training_span(channel) is not None
    except WorkbenchError:  # not there, or damaged
        return False


def _channels(
    machine: _Machine, seed: int, sequence: np.random.SeedSequence
) -> Iterator[tuple[xr.Dataset, xr.Dataset, pd.DataFrame]]:
    life, accidents, *sensors = (np.random.default_rng(child) for child in sequence.spawn(2 + len(machine.sensors)))
    n = machine.n_train + machine.n_test
    signals, commands = machine.simulate(n, life)
    noise = {name: sensor.noise for name, sensor in machine.sensors.items()}
    faults = machine.faults(Scene(signals, commands, noise, machine.n_train, accidents))
    time = DEMO_END - _MINUTE * np.arange(n, 0, -1)
    columns = np.stack(list(commands.values()), axis=1).astype(np.int8)
    for (name, sensor), rng in zip(machine.sensors.items(), sensors, strict=True):
        own = sorted((fault for fault in faults if fault.channel == name), key=lambda fault: fault.start)
        telemetry = _measure(signals[sensor.quantity], sensor, own, rng)
        split = partial(
            make_channel,
            command_names=list(commands),
            channel=name,
            asset=machine.asset,
            subsystem=name.partition("-")[0],
            units=sensor.units,
            source=f"demo fleet, seed {seed} (synthetic)",
            sample_period="PT1M",
        )
        cut = machine.n_train
        train = split(telemetry[:cut], columns[:cut], time=time[:cut])
        test = split(telemetry[cut:], columns[cut:], time=time[cut:])
        yield train, test, _labels(own, cut)


def _measure(clean: Floats, sensor: _Sensor, faults: list[Fault], rng: np.random.Generator) -> Floats:
    """Return the telemetry of a sensor, with noise, faults and a finite resolution."""
    values = clean + rng.normal(0.0, sensor.noise, clean.size)
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


def _labels(faults: list[Fault], n_train: int) -> pd.DataFrame:
    rows = [(fault.start - n_train, fault.stop - 1 - n_train, fault.kind) for fault in faults]
    table = pd.DataFrame(rows, columns=list(LABEL_COLUMNS))
    return table.astype({"start": np.int64, "end": np.int64, "kind": str})
