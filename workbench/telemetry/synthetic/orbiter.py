"""A simulated satellite in low orbit: power, attitude, radio, thermal control and payload.

Everything follows the orbit (sunlight, eclipse) and the commands, each of which takes effect two minutes
after it is sent. The figures are plausible for a small satellite and describe none that flies.
"""

from dataclasses import dataclass

import numpy as np

from workbench.telemetry.synthetic.simulation import EFFECT, Floats, delayed, first_order, runs

__all__ = ["BATTERY_LOAD", "COMMANDS", "Battery", "Orbiter", "battery", "simulate_orbiter"]

COMMANDS = (
    "transmit",
    "high-rate",
    "payload-on",
    "survey-mode",
    "slew",
    "wheel-unload",
    "heater-on",
    "array-park",
)
"""Command columns of an orbiter."""

BATTERY_LOAD = 4.4
"""Current of everything that is always on, A."""

_CAPACITY_AH = 42.0  # Ah
_CHARGE_LIMIT_A = 5.5  # A


@dataclass(frozen=True)
class Orbiter:
    """What makes one orbiter differ from another.

    Attributes
    ----------
    period : float
        Period of the orbit, minutes.
    eclipse : float
        Share of the orbit in shadow.
    array : float
        Current of the solar array at 25 °C, A.
    wheel : float
        Speed at which the reaction wheel is held, rpm.
    radio : float
        Transmitted power at the low data rate, W.
    """

    period: float
    eclipse: float
    array: float
    wheel: float
    radio: float


@dataclass(frozen=True)
class Battery:
    """Battery over time: current into it (A) and voltage (V), each of shape (n,)."""

    current: Floats
    voltage: Floats


def simulate_orbiter(craft: Orbiter, n: int, rng: np.random.Generator) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Simulate an orbiter's healthy days.

    Parameters
    ----------
    craft : Orbiter
        Properties of the orbiter.
    n : int
        Minutes.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    signals : dict of str to numpy.ndarray
        Noise-free quantities by name, each of shape (n,); beside the telemetry `sun` (share of full
        sunlight) and `load` (A).
    commands : dict of str to numpy.ndarray
        Columns of `COMMANDS`, 0 or 1.
    """
    phase = (np.arange(n) / craft.period + rng.uniform()) % 1.0
    sun = np.clip(np.minimum(phase, 1.0 - craft.eclipse - phase) * craft.period, 0.0, 1.0)
    commands = _commands(craft, phase, n, rng)
    speed, torque = _wheel(craft, phase, commands, rng)
    state = {name: delayed(column) for name, column in commands.items()}

    array_temperature = first_order(-62.0 + 122.0 * sun, 9.0)
    pointing = (1.0 - 0.55 * state["array-park"]) * (1.0 - 0.15 * state["slew"])
    array = craft.array * sun * pointing * (1.0 - 0.0012 * (array_temperature - 25.0))

    radio = (craft.radio + 0.7 * craft.radio * state["high-rate"]) * state["transmit"]
    radio_temperature = first_order(17.0 + 1.8 * radio + 3.0 * sun, 7.0)

    heater = 1.25 * state["heater-on"]
    tank = first_order(9.0 + 7.0 * sun + 20.0 * state["heater-on"], 45.0)

    wheel_current = 0.10 + 0.00012 * speed + 0.0011 * torque + 0.02 * state["wheel-unload"]
    wheel_temperature = first_order(9.0 + 34.0 * wheel_current + 2.0 * sun, 45.0)

    work = state["payload-on"]
    cooler = 0.90 + 0.22 * first_order(work, 6.0, 0.0) + 0.03 * sun + 0.01 * np.arange(n) / n
    detector = 82.0 + 0.55 * first_order(work, 14.0, 0.0) + 0.15 * first_order(sun, 30.0)

    load = BATTERY_LOAD + 1.8 * work + 0.13 * radio + heater + 0.8 * state["slew"] + 0.3 * state["survey-mode"]
    cell = battery(array, load)
    signals = {
        "sun": sun,
        "load": load,
        "battery voltage": cell.voltage,
        "battery current": cell.current,
        "battery temperature": first_order(11.0 + 0.55 * np.abs(cell.current) + 1.5 * sun, 60.0),
        "array current": array,
        "array temperature": array_temperature,
        "wheel speed": speed,
        "wheel current": wheel_current,
        "wheel temperature": wheel_temperature,
        "radio power": radio,
        "radio temperature": radio_temperature,
        "tank temperature": tank,
        "heater current": heater,
        "detector temperature": detector,
        "cooler current": cooler,
    }
    return signals, commands


def battery(array: Floats, load: Floats) -> Battery:
    """Charge and discharge a battery between a solar array and a load.

    Charging is limited in current and tapers off as the battery fills.

    Parameters
    ----------
    array, load : numpy.ndarray, shape (n,)
        Currents, A.

    Returns
    -------
    Battery
    """
    charge = 0.95
    currents, charges = [], []
    for net in (array - load).tolist():
        current = min(net, _CHARGE_LIMIT_A, 60.0 * (1.0 - charge)) if net > 0 else net
        charge += current / 60.0 / _CAPACITY_AH
        currents.append(current)
        charges.append(charge)
    current, filled = np.array(currents), np.array(charges)
    return Battery(current, 26.0 + 5.6 * filled + 0.05 * current)


def _commands(craft: Orbiter, phase: Floats, n: int, rng: np.random.Generator) -> dict[str, Floats]:
    columns = {name: np.zeros(n) for name in COMMANDS}
    at = int(rng.integers(200, 500))
    while at < n:  # survey mode: some hours, several times in two days
        columns["survey-mode"][at : at + int(rng.integers(240, 420))] = 1.0
        at += int(rng.integers(800, 1300))
    sunrises = np.flatnonzero(np.diff(phase, prepend=phase[0]) < -0.5).tolist()
    day = int(craft.period * (1.0 - craft.eclipse))
    for sunrise in sunrises:
        survey = columns["survey-mode"][sunrise] > 0
        # the tank is heated by a timer through each eclipse, longer where the payload rests
        columns["heater-on"][sunrise + day : sunrise + day + (24 if survey else 30)] = 1.0
        if survey or rng.uniform() < 0.55:
            begin = sunrise + int(rng.integers(4, 12))
            columns["payload-on"][begin : begin + (day - 14 if survey else int(rng.integers(18, 32)))] = 1.0
        if rng.uniform() < 0.6:
            begin = sunrise + int(rng.integers(0, int(craft.period) - 14))
            length = int(rng.integers(9, 14))
            columns["transmit"][begin : begin + length] = 1.0
            if survey or rng.uniform() < 0.25:
                columns["high-rate"][begin : begin + length] = 1.0
        for _ in range(2 if survey else int(rng.integers(0, 2))):
            begin = sunrise + int(rng.integers(0, day))
            columns["slew"][begin : begin + int(rng.integers(4, 8))] = 1.0
        if rng.uniform() < 0.12:
            begin = sunrise + int(rng.integers(10, 30))
            columns["array-park"][begin : begin + int(rng.integers(12, 22))] = 1.0
    return columns


def _wheel(
    craft: Orbiter, phase: Floats, commands: dict[str, Floats], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return speed (rpm) and absolute acceleration (rpm a minute); sends the wheel-unload commands that it needs."""
    turn = np.zeros(phase.size)
    for start, stop in runs(delayed(commands["slew"])):
        turn[start:stop] = rng.choice([-1.0, 1.0]) * rng.uniform(280.0, 420.0)
    unload = commands["wheel-unload"]
    stored = 0.0
    momentum = []
    for minute in range(phase.size):
        stored += 0.9
        if minute >= EFFECT and unload[minute - EFFECT]:
            stored -= 43.0
        elif stored > 600.0 and not unload[minute - 1]:
            unload[minute : minute + 14] = 1.0
        momentum.append(stored)
    speed = craft.wheel + np.array(momentum) + 110.0 * np.sin(2 * np.pi * phase) + first_order(turn, 1.5, 0.0)
    return speed, np.abs(np.diff(speed, prepend=speed[0]))
