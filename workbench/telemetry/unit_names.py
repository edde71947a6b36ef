"""Units of measurement by their names: programs write the same one in several ways."""

import re
import unicodedata

__all__ = ["is_same_unit"]

_WORDS = {
    **dict.fromkeys(("celsius", "c", "°celsius", "gradc", "grad"), "°C"),
    **dict.fromkeys(("fahrenheit", "°fahrenheit"), "°F"),
    **dict.fromkeys(("kelvin",), "K"),
    **dict.fromkeys(("percent", "pct", "prozent"), "%"),
    **dict.fromkeys(("rpm", "r/min", "u/min", "1/min", "min-1", "rev/min"), "1/min"),
    **dict.fromkeys(("volt", "volts"), "V"),
    **dict.fromkeys(("amp", "amps", "ampere", "amperes"), "A"),
    **dict.fromkeys(("watt", "watts"), "W"),
    **dict.fromkeys(("hertz",), "Hz"),
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("hour", "hours", "hr", "hrs"), "h"),
    **dict.fromkeys(("°",), "deg"),
}
"""Usual form of a unit by other ways to write it, in small letters."""


def is_same_unit(unit: str, other: str) -> bool:
    """Tell whether two texts name the same unit, as `°C` and `degC` do; no unit is converted.

    Parameters
    ----------
    unit, other : str
        Units as files write them. Letter case counts, as in mW and MW.

    Examples
    --------
    >>> is_same_unit("°C", "degC"), is_same_unit("m³/h", "m3/h"), is_same_unit("mW", "MW"), is_same_unit("°C", "°F")
    (True, True, False, False)
    """
    return unit == other or _usual(unit) == _usual(other)


def _usual(unit: str) -> str:
    text = re.sub(r"[\s_^·*\[\]()]", "", unicodedata.normalize("NFKC", unit.replace("º", "°"))).replace("\u2212", "-")
    text = re.sub(r"^[Dd]eg(?:rees?)?\.?", "°", text)
    text = re.sub(r"^[u\u03bc\u00b5](?=[mgsVAWFHLl])", "\u03bc", text)
    return _WORDS.get(text.casefold(), text)
