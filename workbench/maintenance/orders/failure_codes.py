"""Codes of a failure: what was observed, why it happened, and what it did to the item.

The codes are those of ISO 14224:2016, annex B: failure modes (B.2.6), failure causes (table B.3) and the classes of
a failure's impact on the item (3.5, 3.11, 3.40).
"""

from dataclasses import dataclass

from workbench.exceptions import MaintenanceError

__all__ = ["FAILURE_CAUSES", "FAILURE_EFFECTS", "FAILURE_MODES", "Failure"]

FAILURE_MODES: dict[str, str] = {
    "AIR": "abnormal instrument reading",
    "BRD": "breakdown",
    "DOP": "delayed operation",
    "ELF": "external leakage of fuel",
    "ELP": "external leakage of process medium",
    "ELU": "external leakage of utility medium",
    "ERO": "erratic output",
    "FCO": "failure to connect",
    "FDC": "failure to disconnect",
    "FOF": "faulty output frequency",
    "FOV": "faulty output voltage",
    "FRO": "failure to rotate",
    "FTC": "failure to close on demand",
    "FTF": "failure to function on demand",
    "FTI": "failure to function as intended",
    "FTO": "failure to open on demand",
    "FTS": "failure to start on demand",
    "HIO": "high output",
    "IHT": "insufficient heat transfer",
    "INL": "internal leakage",
    "LOO": "low output",
    "LOR": "loss of redundancy",
    "NOI": "noise",
    "NOO": "no output",
    "OHE": "overheating",
    "OTH": "other",
    "PDE": "parameter deviation",
    "PLU": "plugged or choked",
    "SER": "minor in-service problems",
    "SPO": "spurious operation",
    "STD": "structural deficiency",
    "STP": "failure to stop on demand",
    "UNK": "unknown",
    "UST": "spurious stop",
    "VIB": "vibration",
}
"""Failure modes, what was observed, by the code of ISO 14224."""

FAILURE_CAUSES: dict[str, str] = {
    "1.0": "design, general",
    "1.1": "improper capacity",
    "1.2": "improper material",
    "2.0": "fabrication or installation, general",
    "2.1": "fabrication error",
    "2.2": "installation error",
    "3.0": "operation or maintenance, general",
    "3.1": "off-design service",
    "3.2": "operating error",
    "3.3": "maintenance error",
    "3.4": "expected wear and tear",
    "4.0": "management, general",
    "4.1": "documentation error",
    "4.2": "management error",
    "5.0": "miscellaneous, general",
    "5.1": "no cause found",
    "5.2": "common cause",
    "5.3": "combined causes",
    "5.4": "other",
    "5.5": "unknown",
}
"""Failure causes, by the number of ISO 14224's table B.3."""

FAILURE_EFFECTS: dict[str, str] = {
    "critical": "the function is lost at once",
    "degraded": "the function is reduced or less reliable",
    "incipient": "the function is kept, and will be lost if nothing is done",
}
"""Effects of a failure on the function of the item."""


@dataclass(frozen=True)
class Failure:
    """Code of a failure after ISO 14224.

    Attributes
    ----------
    mode : str
        Failure mode, of `FAILURE_MODES`; empty while unknown.
    cause : str
        Failure cause, of `FAILURE_CAUSES`; empty while unknown.
    effect : str
        Failure effect, of `FAILURE_EFFECTS`; empty while unknown.

    Raises
    ------
    MaintenanceError
        A code is not in its list.

    Examples
    --------
    >>> str(Failure("PDE", cause="3.4"))
    'PDE parameter deviation; cause 3.4 expected wear and tear'
    """

    mode: str = ""
    cause: str = ""
    effect: str = ""

    def __post_init__(self) -> None:
        for code_name, code, valid_codes in (
            ("failure mode", self.mode, FAILURE_MODES),
            ("failure cause", self.cause, FAILURE_CAUSES),
            ("failure effect", self.effect, FAILURE_EFFECTS),
        ):
            if code and code not in valid_codes:
                codes = "; ".join(f"{key} {text}" for key, text in valid_codes.items())
                raise MaintenanceError(f"{code!r} is not a {code_name} of ISO 14224.", f"Known: {codes}.")

    def __str__(self) -> str:
        """Return the codes with their meaning."""
        parts = []
        if self.mode:
            parts.append(f"{self.mode} {FAILURE_MODES[self.mode]}")
        if self.cause:
            parts.append(f"cause {self.cause} {FAILURE_CAUSES[self.cause]}")
        if self.effect:
            parts.append(f"effect {self.effect}: {FAILURE_EFFECTS[self.effect]}")
        return "; ".join(parts)
