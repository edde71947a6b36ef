"""What goes wrong in the demo fleet: the labelled anomalies of each asset, and the faults that come behind them.

A fault of a device changes every channel that would show it, each labelled for as long as the change
stands out of the sensor's noise; a fault of a sensor changes its own channel. `share` places are shares
of the test series, jittered by the seed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.telemetry.synthetic.orbiter import battery
from workbench.telemetry.synthetic.simulation import (
    Fault,
    Floats,
    delayed,
    first_order,
    growth,
    runs,
    visible_fault,
)

__all__ = ["FIRST_FAULT_TO_COME", "Scene", "orbiter_1_faults", "orbiter_2_faults", "pump_faults"]

FIRST_FAULT_TO_COME = 110
"""Minutes behind the test series after which the first fault begins, of a fleet that goes on there."""


@dataclass(frozen=True)
class Scene:
    """A healthy asset that faults are to be added to.

    Attributes
    ----------
    signals, commands : mapping of str to numpy.ndarray
        What the simulation gave.
    noise : mapping of str to float
        Standard deviation of each channel's sensor noise.
    n_train : int
        Samples before the test series.
    last : int
        First sample behind the test series; what lies there comes later.
    rng : numpy.random.Generator
        Source of the random numbers.
    """

    signals: Mapping[str, Floats]
    commands: Mapping[str, Floats]
    noise: Mapping[str, float]
    n_train: int
    last: int
    rng: np.random.Generator

    @property
    def n(self) -> int:
        """Samples of all series together."""
        return next(iter(self.signals.values())).size

    def at(self, share: float) -> int:
        """Sample at about a share of the test series."""
        jittered = share + self.rng.uniform(-0.015, 0.015)
        return self.n_train + int(jittered * (self.last - self.n_train))

    def coming(self, first: int, every: int, length: int) -> list[int]:
        """Return the samples behind the test series at which a fault of some length comes, again and again."""
        return list(range(self.last + first, self.n - length, every))

    def run_after(self, command: str, share: float) -> tuple[int, int]:
        """Start and stop of the first effect of a command after `at(share)`."""
        at = self.at(share)
        start, stop = next((a, b) for a, b in runs(delayed(self.commands[command])).tolist() if a >= at)
        return int(start), int(stop)

    def window(self, start: int, stop: int) -> Floats:
        """Return 1 from start to stop (exclusive), else 0."""
        mask = np.zeros(self.n)
        mask[start:stop] = 1.0
        return mask

    def visible(self, channel: str, kind: str, change: Floats) -> Fault:
        """Return a fault of a channel, labelled while it is seen above the noise."""
        return visible_fault(channel, kind, change, self.noise[channel])

    def spike(self, channel: str, share: float, length: int, size: float) -> Fault:
        """Return a point anomaly: a few samples, each off by about `size`."""
        return self.spike_at(channel, self.at(share), length, size)

    def spike_at(self, channel: str, start: int, length: int, size: float) -> Fault:
        """Return a point anomaly that begins at a sample."""
        return Fault(channel, "point", start, length, size * self.rng.uniform(0.7, 1.3, length))

    def drift(self, channel: str, share: float, length: int, size: float) -> Fault:
        """Return a fault in which a sensor drifts by `size` until it is calibrated again."""
        return Fault(channel, "drift", self.at(share), length, size * np.arange(1, length + 1) / length)

    def stuck(self, channel: str, share: float, length: int) -> Fault:
        """Return a fault in which a sensor holds its last reading."""
        return Fault(channel, "stuck", self.at(share), length)

    def dropout(self, channel: str, share: float, length: int) -> Fault:
        """Return a fault in which a sensor reads the bottom of its range."""
        return Fault(channel, "dropout", self.at(share), length)


def orbiter_1_faults(scene: Scene) -> list[Fault]:
    """Add a lost array string, a silent transmitter, a heater that stays on, and faults of sensors.

    Parameters
    ----------
    scene : Scene
        Healthy telemetry of the asset; the faults are written into it.

    Returns
    -------
    list of Fault
    """
    signals = scene.signals
    # a string of the solar array is lost for three orbits: less current, an emptier battery, a lower bus voltage
    start = scene.at(0.28)
    array = signals["array current"]
    change = -0.4 * array * scene.window(start, start + 290)
    healthy = battery(array, signals["load"])
    failing = battery(array + change, signals["load"])
    # the transmitter stays silent in each pass of half a day
    start = scene.run_after("transmit", 0.52)[0]
    silence = -signals["radio power"] * scene.window(start, start + 420)
    # the tank's heater stays on after its timer has run out
    stop = scene.run_after("heater-on", 0.70)[1]
    heating = _left_on(scene, stop, 110)
    # it does so again, and longer, in what comes
    overheating = [_left_on(scene, start, 260) for start in scene.coming(FIRST_FAULT_TO_COME, 11_700, 260)]
    return [
        scene.visible("SOL-1", "contextual", change),
        scene.visible("PWR-2", "contextual", failing.current - healthy.current),
        scene.visible("PWR-1", "contextual", failing.voltage - healthy.voltage),
        scene.spike("PWR-1", 0.62, 6, -2.4),
        scene.dropout("PWR-1", 0.85, 45),
        scene.stuck("SOL-1", 0.78, 200),
        scene.visible("COM-1", "contextual", silence),
        scene.visible("COM-2", "contextual", first_order(1.8 * silence, 7.0, 0.0)),
        scene.drift("COM-2", 0.78, 620, 14.0),
        scene.visible("THM-2", "contextual", 1.25 * heating),
        scene.visible("THM-1", "contextual", first_order(20.0 * heating, 45.0, 0.0)),
        scene.dropout("THM-1", 0.32, 60),
        *(scene.visible("THM-2", "contextual", 1.25 * again) for again in overheating),
        *(scene.visible("THM-1", "contextual", first_order(20.0 * again, 45.0, 0.0)) for again in overheating),
        *(scene.spike_at("PWR-1", start, 5, -2.4) for start in scene.coming(3_200, 9_100, 5)),
    ]


def _left_on(scene: Scene, start: int, length: int) -> Floats:
    """Return 1 where the tank's heater is on though its timer has run out, else 0."""
    return scene.window(start, start + length) * (1.0 - delayed(scene.commands["heater-on"]))


def orbiter_2_faults(scene: Scene) -> list[Fault]:
    """Add a wheel bearing and a cooler that wear out, and faults of sensors.

    Parameters
    ----------
    scene : Scene
        Healthy telemetry of the asset; the faults are written into it.

    Returns
    -------
    list of Fault
    """
    # the wheel's friction rises until it stalls for an hour; then the spare wheel takes over
    start = scene.at(0.45)
    friction = np.zeros(scene.n)
    friction[start : start + 1300] = 0.55 * growth(1300)
    stalled = scene.window(start + 1300, start + 1360)
    wheel = friction - scene.signals["wheel current"] * stalled
    # the cooler works harder until it stops for two hours, and the detector warms
    start = scene.at(0.58)
    effort = np.zeros(scene.n)
    effort[start : start + 1200] = 0.45 * growth(1200)
    stopped = scene.window(start + 1200, start + 1320)
    cooler = effort - scene.signals["cooler current"] * stopped
    warming = first_order(26.0 * stopped + 0.8 * effort, 60.0, 0.0)
    return [
        scene.visible("RWA-3", "degradation", wheel),
        scene.visible("RWA-4", "degradation", first_order(34.0 * wheel, 45.0, 0.0)),
        scene.stuck("RWA-4", 0.22, 260),
        scene.visible("PAY-2", "degradation", cooler),
        scene.visible("PAY-1", "degradation", warming),
        scene.spike("PAY-2", 0.30, 5, 0.8),
        scene.drift("PAY-1", 0.20, 560, 1.6),
        scene.drift("PWR-3", 0.40, 700, 0.9),
        scene.spike("PWR-3", 0.75, 8, 1.8),
        scene.spike("COM-3", 0.33, 5, 6.0),
        scene.dropout("COM-3", 0.66, 50),
        *(Fault("COM-3", "dropout", start, 40) for start in scene.coming(330, 8_300, 40)),
        *(scene.spike_at("PAY-2", start, 6, 0.8) for start in scene.coming(4_700, 12_400, 6)),
    ]


def pump_faults(scene: Scene) -> list[Fault]:
    """Add a leak in the delivery line, a bearing that wears out, and faults of sensors.

    Parameters
    ----------
    scene : Scene
        Healthy telemetry of the asset; the faults are written into it.

    Returns
    -------
    list of Fault
    """
    speed = scene.signals["speed"]
    # the line leaks through one run and the next: more flow at less pressure
    start = scene.run_after("pump-run", 0.35)[0] + 10
    leak = scene.window(start, start + 330)
    # the bearing wears out, slowly and then fast, to the end of the series; what comes is after it was greased
    worn = np.zeros(scene.n)
    worn[scene.last - 2200 : scene.last] = growth(2200)
    shaking = 3.4 * worn * speed
    return [
        scene.visible("PMP-1", "contextual", 0.14 * leak * scene.signals["flow"]),
        scene.visible("PMP-2", "contextual", -0.24 * leak * (scene.signals["pressure"] - 0.6)),
        scene.spike("PMP-1", 0.60, 4, 110.0),
        scene.visible("BRG-1", "degradation", shaking),
        scene.visible("BRG-2", "degradation", first_order(6.5 * shaking, 35.0, 0.0)),
        scene.drift("BRG-2", 0.40, 800, 11.0),
        scene.stuck("MOT-2", 0.25, 280),
        scene.dropout("MOT-2", 0.70, 40),
        *(scene.spike_at("PMP-1", start, 4, 110.0) for start in scene.coming(1_900, 10_700, 4)),
        *(Fault("MOT-2", "dropout", start, 30) for start in scene.coming(6_100, 14_300, 30)),
    ]
