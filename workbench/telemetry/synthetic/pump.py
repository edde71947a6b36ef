"""A simulated cooling-water pump on the ground: motor, hydraulics and bearing.

It starts and stops with demand, runs at two speeds, clogs until its strainer is washed and wears between
lubrications. The figures are plausible for a machine of 10 kW and describe none in service.
"""

import numpy as np

from workbench.telemetry.synthetic.simulation import Floats, delayed, first_order

__all__ = ["COMMANDS", "simulate_pump"]

COMMANDS = ("pump-run", "high-speed", "valve-open", "bypass", "backwash", "fan-on", "lubricate", "standby")
"""Command columns of the pump."""

_DAY_MINUTES = 1440
_WEEK_MINUTES = 7 * _DAY_MINUTES


def simulate_pump(n: int, rng: np.random.Generator) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Simulate the pump's healthy days.

    Parameters
    ----------
    n : int
        Minutes.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    signals : dict of str to numpy.ndarray
        Noise-free quantities by name, each of shape (n,); beside the telemetry `speed` (share of the low speed).
    commands : dict of str to numpy.ndarray
        Columns of `COMMANDS`, 0 or 1.
    """
    commands = _commands(n, rng)
    state = {name: delayed(column) for name, column in commands.items()}
    minute = np.arange(n)
    ambient = 21.0 + 3.5 * np.sin(2 * np.pi * (minute / _DAY_MINUTES - 0.35))

    speed = first_order(state["pump-run"] * (1.0 + 0.25 * state["high-speed"]), 0.6, 0.0)
    clogging = _rising(state["pump-run"] / (2.0 * _DAY_MINUTES), state["backwash"])
    dryness = _rising(np.full(n, 1.0 / (3.0 * _DAY_MINUTES)), state["lubricate"])
    wear = minute / _WEEK_MINUTES

    pressure = 4.0 * speed**2 * (1.0 + 0.06 * clogging) * (1.0 - 0.12 * state["valve-open"])
    pressure = pressure * (1.0 - 0.18 * state["bypass"]) + 0.6
    flow = 300.0 * speed * (1.0 - 0.08 * clogging) * (0.85 + 0.15 * state["valve-open"]) * (1.0 - 0.2 * state["bypass"])
    current = speed * (7.5 + 6.5 * speed * flow / 300.0)
    winding = first_order(ambient + 0.21 * current**2 - 9.0 * state["fan-on"], 25.0)
    vibration = 0.12 + speed * (1.25 + 0.30 * state["high-speed"] + 0.18 * dryness + 0.05 * wear)
    bearing = first_order(ambient + 13.0 * speed + 2.5 * vibration, 35.0)
    signals = {
        "speed": speed,
        "motor current": current,
        "winding temperature": winding,
        "flow": flow,
        "pressure": pressure,
        "vibration": vibration,
        "bearing temperature": bearing,
    }
    return signals, commands


def _commands(n: int, rng: np.random.Generator) -> dict[str, Floats]:
    columns = {name: np.zeros(n) for name in COMMANDS}
    at, washed, lubricated = 15, 0, int(rng.integers(0, _DAY_MINUTES))
    while at < n:
        daytime = 0.5 + 0.5 * np.sin(2 * np.pi * (at / _DAY_MINUTES - 0.3))
        length = int(rng.integers(70, 190))
        stop = at + length
        columns["pump-run"][at:stop] = 1.0
        if rng.uniform() < 0.15 + 0.6 * daytime:
            begin = at + int(rng.integers(0, 30))
            columns["high-speed"][begin:stop] = 1.0
            columns["fan-on"][begin + 10 : stop + 10] = 1.0
        if rng.uniform() < 0.5:
            columns["valve-open"][at:stop] = 1.0
        if rng.uniform() < 0.3:
            begin = at + int(rng.integers(15, length - 25))
            columns["bypass"][begin : begin + int(rng.integers(10, 20))] = 1.0
        rest = int(rng.integers(25, 80))
        columns["standby"][stop : stop + rest] = 1.0
        if stop - washed > _DAY_MINUTES:
            columns["backwash"][stop + 5 : stop + 15] = 1.0
            washed = stop
        if stop - lubricated > 1.5 * _DAY_MINUTES:
            columns["lubricate"][stop + 3 : stop + 8] = 1.0
            lubricated = stop
        at = stop + rest
    return columns


def _rising(rate: Floats, reset: Floats) -> Floats:
    """Return the sum of a rate since the last reset, shape (n,)."""
    value = 0.0
    values = []
    for step, cleared in zip(rate.tolist(), reset.tolist(), strict=True):
        value = 0.0 if cleared else value + step
        values.append(value)
    return np.array(values)
