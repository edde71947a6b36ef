"""What goes wrong at the demo fleet in a year, and what people find and do then."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["DAYS", "FAILURE", "FALSE_ALARM", "TROUBLES", "WEAR", "Trouble"]

DAYS = 365
"""Days of the history."""

FAILURE = "functional failure"
WEAR = "degradation"
FALSE_ALARM = "none"


@dataclass(frozen=True)
class Trouble:
    """One kind of trouble.

    Attributes
    ----------
    asset : str
        Name of the asset.
    channels : tuple of str
        Channels that show it; the first one moves first.
    level : str
        Level of its alerts.
    often : float
        How often it comes, in relation to the others.
    found : str
        What the work finds: `FAILURE`, `WEAR`, or `FALSE_ALARM`, after which the alerts are closed without an order.
    done : str
        What is done about it, or why it is none.
    hours : float
        Hours of work.
    mode, mechanism, cause, component : str
        Codes of ISO 14224, and the item.
    parts : mapping of str to int
        Parts that are used.
    """

    asset: str
    channels: tuple[str, ...]
    level: str
    often: float
    found: str
    done: str
    hours: float = 2.0
    mode: str = ""
    mechanism: str = ""
    cause: str = ""
    component: str = ""
    parts: Mapping[str, int] = field(default_factory=dict)


TROUBLES = (
    Trouble(
        "Orbiter-1",
        ("SOL-1", "PWR-2"),
        "high",
        0.7,
        FAILURE,
        "String 3 of the array isolated, its load shared by the others",
        3.5,
        "LOO",
        "4.2",
        component="array string",
    ),
    Trouble(
        "Orbiter-1",
        ("COM-1",),
        "high",
        0.9,
        FAILURE,
        "Transmitter switched to the redundant chain",
        2.0,
        "NOO",
        "3.2",
        component="transmitter",
    ),
    Trouble(
        "Orbiter-1",
        ("THM-2", "THM-1"),
        "medium",
        1.3,
        WEAR,
        "Limits of the heater's timer uploaded anew",
        1.5,
        "STP",
        "3.1",
        component="heater switch",
    ),
    Trouble(
        "Orbiter-1",
        ("RWA-2",),
        "medium",
        1.2,
        WEAR,
        "Wheel unloaded and run in at low speed",
        2.5,
        "VIB",
        "2.4",
        component="wheel bearing",
    ),
    Trouble("Orbiter-1", ("PWR-1",), "low", 1.6, FALSE_ALARM, "A manoeuvre that nobody had announced"),
    Trouble("Orbiter-1", ("SOL-2",), "medium", 1.2, FALSE_ALARM, "The array was parked for a calibration"),
    Trouble(
        "Orbiter-2",
        ("RWA-3", "RWA-4"),
        "high",
        0.8,
        FAILURE,
        "Spare wheel taken into use",
        4.0,
        "FRO",
        "2.4",
        component="wheel bearing",
    ),
    Trouble(
        "Orbiter-2",
        ("PAY-2", "PAY-1"),
        "medium",
        1.3,
        WEAR,
        "Cooler's drive voltage set anew",
        2.0,
        "IHT",
        "3.4",
        component="cooler",
    ),
    Trouble("Orbiter-2", ("PWR-4",), "low", 1.4, FALSE_ALARM, "An eclipse longer than those that were learned"),
    Trouble("Orbiter-2", ("COM-4",), "medium", 1.1, FALSE_ALARM, "Two passes that followed one another"),
    Trouble(
        "Pump-1",
        ("BRG-1", "BRG-2"),
        "high",
        1.0,
        FAILURE,
        "Bearing replaced, shaft aligned",
        6.0,
        "VIB",
        "2.4",
        "3.4",
        "bearing",
        {"bearing 6310": 1, "grease cartridge": 1},
    ),
    Trouble(
        "Pump-1",
        ("PMP-2", "PMP-1"),
        "high",
        1.0,
        FAILURE,
        "Shaft seal replaced, line tested at working pressure",
        4.5,
        "ELP",
        "1.1",
        "3.4",
        "shaft seal",
        {"shaft seal": 1},
    ),
    Trouble(
        "Pump-1",
        ("MOT-2",),
        "medium",
        1.3,
        WEAR,
        "Fan and cooling fins cleaned",
        1.5,
        "OHE",
        "5.2",
        component="motor fan",
    ),
    Trouble(
        "Pump-1",
        ("PMP-1",),
        "medium",
        1.2,
        WEAR,
        "Strainer washed",
        1.5,
        "PLU",
        "5.1",
        component="strainer",
        parts={"strainer basket": 1},
    ),
    Trouble("Pump-1", ("MOT-1",), "low", 1.5, FALSE_ALARM, "Started twice by hand"),
)
"""Kinds of trouble at the demo fleet."""
