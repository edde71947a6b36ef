"""Units of measurement as files write them: behind numbers, in brackets, in a line below the names."""

import re

__all__ = ["UNIT", "bare_unit", "is_unit"]

_PREFIX = r"(?:[pnuµμmcdhkMGT]|da)?"
_POWER = (
    r"(?:\^-?[1-4]|-[1-4]|[²³])?"  # L1 is a phase, T2 a place: only lengths and times have a bare digit behind them
)
_SIMPLE = (
    rf"(?:{_PREFIX}[ms][2-4]"
    rf"|(?:{_PREFIX}(?:VAr|VA|Wh|V|A|W|Hz|Pa|bar|Nm|N|m|g|s|L|l|J|Ohm|ohm|Ω|F|H|T|mol|eV|lx|lm|S|K|cal|Bq|Sv)"
    rf"|min|h|d|t|rad|[kMG]?B){_POWER})"
)
_OTHER = (
    r"%|‰|ppm|ppb|rpm|RPM|U/min|1/min|min-1|min⁻¹|1/s|psi[ag]?|mmHg|inHg|inH2O|mH2O|barg|bara|mbar|dB[AmV]?|pH|mils?"
    r"|in/s|in|ft/min|ft|mph|kph|km/h|kn|gpm|gal|cfm|lbf|lbs?|hp|PS|oz|BTU"
    r"|(?:°|º|deg\.? ?|Deg\.? ?)[CFK]|°|℃|℉|C|deg|degrees|Degrees"
    r"|[Vv]olts?|[Aa]mps?|[Ww]atts?|[Pp]ercent|meters?/second|m/sec|[Ss]econds?|[Mm]inutes?|[Hh]ours?|sec"
)
_DENSITY = rf"{_PREFIX}[gVAN]2/Hz"
UNIT = rf"(?:{_OTHER}|{_DENSITY}|{_SIMPLE}(?:[/·*]{_SIMPLE}){{0,3}})"
"""Regular expression of a unit, without brackets."""

_UNIT_CELL = re.compile(rf"\[[^\[\]]{{0,20}}\]|\([^()]{{0,20}}\)|{UNIT}")
_NO_UNIT = re.compile(
    r"-|--|TS|RN|\[\s*-?\s*\]|\(\s*-?\s*\)|none|unitless|counts?|samples?|date|time|UTC|bool|string"
    r"|[YyMDdHhmsSf:./ T-]{4,}|(?:TT|JJ|jj)[./-](?:MM|mm)[./-](?:JJJJ|AAAA|aaaa|JJ|AA|aa)(?:[ T]+[hHmMsS:.]+)?"
)


def is_unit(cell: str) -> bool:
    """Tell whether a cell of a line below the names holds a unit, or says that there is none.

    Examples
    --------
    >>> is_unit("m/s"), is_unit("[bar]"), is_unit("yyyy-mm-dd HH:MM"), is_unit("Temp")
    (True, True, True, False)
    """
    return bool(_UNIT_CELL.fullmatch(cell) or _NO_UNIT.fullmatch(cell))


def bare_unit(cell: str) -> str:
    """Return the unit of such a cell; empty where it says that there is none.

    Examples
    --------
    >>> bare_unit("[bar]"), bare_unit("RN")
    ('bar', '')
    """
    return "" if _NO_UNIT.fullmatch(cell) else re.sub(r"^[\[(]\s*|\s*[\])]$", "", cell)
