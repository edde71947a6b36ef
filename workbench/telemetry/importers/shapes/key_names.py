"""Names that exports give to columns of tags, machines, values, units and quality: a hint, never the whole proof."""

import re
from typing import Literal

__all__ = ["KeyRole", "ends_as_key", "letters_of", "names_unit", "role_of"]

KeyRole = Literal["tag", "machine", "group", "value", "quality", ""]
"""What a name says: "machine" is one in any table, "group" only where rows share their times without it."""

_UNIT = re.compile(r"units?|uom|einheit|eu|engunits?|engineeringunits?|unitsofmeasure|unitofmeasure|unitname")
_KEY_ENDING = re.compile(r"(?<=\w)(?:ids?|nr|no|num|number|name|key|code|idx|index)$")
_ROLES: dict[KeyRole, re.Pattern[str]] = {
    "tag": re.compile(
        r"(?:tag|point|datapoint|series|serie|var|variable|sensor|param|parameter|signal|channel|metric|measure|"
        r"measurement|quantity|item|attribute|field|register|mnemonic|kanal|messstelle|messpunkt|name|trend|kpi)"
    ),
    "machine": re.compile(
        r"(?:machine|maschine|engine|asset|equipment|equip|device|geraet|turbine|windturbine|serial|vehicle|robot|"
        r"inverter|compressor|sheet|(?:machine|device|asset|equipment)serial)"
    ),
    "group": re.compile(
        r"(?:unit|id|site|station|plant|node|mote|host|source|line|cell|meter|well|object|entity|system|group|"
        r"experiment|batch|run|simulationrun|trajectory|bearing|vessel|motor|pump|fan|drive|truck|car|bus|train|tool|"
        r"chiller|boiler|zone|room|rack|server|pod|instance|topic|location|loc|area|fleet|farm|region|building|werk|"
        r"standort|anlage|linie|ort|house|subject|fault|scenario|case)"
    ),
    "value": re.compile(
        r"(?:var|tag|point|sensor|raw|measured|num|numeric|float|double|int|interpolated|actual|sample|data)?"
        r"(?:values?|val|wert|valor|valeur|valore|reading)(?:num|float|double|numeric)?|messwert|istwert"
    ),
    "quality": re.compile(
        r"(?:opc)?(?:quality|qual|qualitaet|qualitycode|qualitydetail|q|qc|qf)|status|statuscode|dataintegrity|integrity|validity|valid|isvalid|good|isgood"
    ),
}


def letters_of(column: str) -> str:
    """Return the Latin letters of a name, without a unit in brackets.

    Examples
    --------
    >>> letters_of("Serial_Number (text)")
    'serialnumber'
    """
    return re.sub(r"[^a-z]", "", re.sub(r"[\[(].*?[\])]", "", column.lower()))


def ends_as_key(column: str) -> bool:
    """Return whether a name ends as those of keys do, in id, number, name or the like.

    Examples
    --------
    >>> ends_as_key("machineID"), ends_as_key("machine")
    (True, False)
    """
    return bool(_KEY_ENDING.search(letters_of(column)))


def names_unit(column: str) -> bool:
    """Return whether a name may be that of a column of units; "unit" may be a machine, too."""
    return bool(_UNIT.fullmatch(letters_of(column)))


def role_of(column: str) -> KeyRole:
    """Return what the name of a column says that it holds; empty where it says nothing.

    Examples
    --------
    >>> role_of("VarName"), role_of("machineID"), role_of("sensor 3"), role_of("_value"), role_of("TEMP")
    ('tag', 'machine', '', 'value', '')
    """
    if re.search(r"\d\s*$", column):  # one of several sensors
        return ""
    letters = letters_of(column)
    stem = _KEY_ENDING.sub("", letters)
    for role, pattern in _ROLES.items():
        names = {letters, stem} if role in ("tag", "machine", "group") else {letters}
        if any(pattern.fullmatch(name) for name in names):
            return role
    return ""
