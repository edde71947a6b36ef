"""Codes of a failure: whether it was one, what was observed, why it happened, and what it did to the item.

The codes are those of ISO 14224:2016, annex B: failure modes (B.2.6), failure mechanisms (table B.2), failure causes
(table B.3), detection methods (table B.4) and the classes of a failure's impact on the item (3.5, 3.11, 3.40).
"""

from dataclasses import dataclass

from workbench.exceptions import MaintenanceError

__all__ = [
    "DETECTION_METHODS",
    "FAILURE_CAUSES",
    "FAILURE_EFFECTS",
    "FAILURE_KINDS",
    "FAILURE_MECHANISMS",
    "FAILURE_MODES",
    "FUNCTIONAL_FAILURE",
    "NO_FAILURE",
    "Failure",
]

FUNCTIONAL_FAILURE = "functional failure"
NO_FAILURE = "none"
FAILURE_KINDS: dict[str, str] = {
    FUNCTIONAL_FAILURE: "the item could not do what is required of it",
    "degradation": "the item was worse than it should be, and still did what is required of it",
    NO_FAILURE: "nothing had failed",
}
"""What the work found: whether it was a failure. Only functional failures count for MTBF, MTTR and risk."""

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
    "FTR": "failure to regulate",
    "FTS": "failure to start on demand",
    "HIO": "high output",
    "IHT": "insufficient heat transfer",
    "INL": "internal leakage",
    "LCP": "leakage in closed position",
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

FAILURE_MECHANISMS: dict[str, str] = {
    "1.0": "mechanical failure, general",
    "1.1": "leakage",
    "1.2": "vibration",
    "1.3": "clearance or alignment failure",
    "1.4": "deformation",
    "1.5": "looseness",
    "1.6": "sticking",
    "2.0": "material failure, general",
    "2.1": "cavitation",
    "2.2": "corrosion",
    "2.3": "erosion",
    "2.4": "wear",
    "2.5": "breakage",
    "2.6": "fatigue",
    "2.7": "overheating",
    "2.8": "burst",
    "3.0": "instrument failure, general",
    "3.1": "control failure",
    "3.2": "no signal, indication or alarm",
    "3.3": "faulty signal, indication or alarm",
    "3.4": "out of adjustment",
    "3.5": "software error",
    "3.6": "common cause or common mode failure",
    "4.0": "electrical failure, general",
    "4.1": "short circuiting",
    "4.2": "open circuit",
    "4.3": "no power or voltage",
    "4.4": "faulty power or voltage",
    "4.5": "earth or isolation fault",
    "5.0": "external influence, general",
    "5.1": "blockage or plugged",
    "5.2": "contamination",
    "5.3": "miscellaneous external influences",
    "6.0": "miscellaneous, general",
    "6.1": "no cause found",
    "6.2": "combined causes",
    "6.3": "other",
    "6.4": "unknown",
}
"""Failure mechanisms, the process that led to the failure, by the number of ISO 14224's table B.2."""

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
    "5.4": "other unit or cascading failure",
    "5.5": "other",
    "5.6": "unknown",
}
"""Failure causes, by the number of ISO 14224's table B.3."""

FAILURE_EFFECTS: dict[str, str] = {
    "critical": "the function is lost at once",
    "degraded": "the function is reduced or less reliable",
    "incipient": "the function is kept, and will be lost if nothing is done",
}
"""Effects of a failure on the function of the item."""

DETECTION_METHODS: dict[str, str] = {
    "1": "periodic maintenance",
    "2": "functional testing",
    "3": "inspection",
    "4": "periodic condition monitoring",
    "5": "pressure testing",
    "6": "continuous condition monitoring",
    "7": "production interference",
    "8": "casual observation",
    "9": "corrective maintenance",
    "10": "on demand",
    "11": "other",
}
"""Detection methods, how the failure was noticed, by the number of ISO 14224's table B.4."""


@dataclass(frozen=True)
class Failure:
    """Whether there was a failure, and its codes after ISO 14224.

    Attributes
    ----------
    mode : str
        Failure mode, of `FAILURE_MODES`; empty while unknown.
    cause : str
        Failure cause, of `FAILURE_CAUSES`; empty while unknown.
    effect : str
        Failure effect, of `FAILURE_EFFECTS`; empty while unknown.
    kind : str
        What the work found, of `FAILURE_KINDS`; empty until the order is completed.
    mechanism : str
        Failure mechanism, of `FAILURE_MECHANISMS`; empty while unknown.
    detection : str
        Detection method, of `DETECTION_METHODS`; empty while unknown.
    component : str
        Maintainable item that failed, for example `seal`; empty while unknown.

    Raises
    ------
    MaintenanceError
        A code is not in its list, or the component is longer than 200 characters.

    Examples
    --------
    >>> str(Failure("PDE", cause="3.4"))
    'PDE parameter deviation; cause 3.4 expected wear and tear'
    """

    mode: str = ""
    cause: str = ""
    effect: str = ""
    kind: str = ""
    mechanism: str = ""
    detection: str = ""
    component: str = ""

    def __post_init__(self) -> None:
        for code_name, code, valid_codes, source in (
            ("failure mode", self.mode, FAILURE_MODES, " of ISO 14224"),
            ("failure cause", self.cause, FAILURE_CAUSES, " of ISO 14224"),
            ("failure effect", self.effect, FAILURE_EFFECTS, " of ISO 14224"),
            ("failure mechanism", self.mechanism, FAILURE_MECHANISMS, " of ISO 14224"),
            ("detection method", self.detection, DETECTION_METHODS, " of ISO 14224"),
            ("kind of failure", self.kind, FAILURE_KINDS, ""),
        ):
            if code and code not in valid_codes:
                codes = "; ".join(f"{key} {text}" for key, text in valid_codes.items())
                if code_name == "kind of failure":
                    codes = ", ".join(valid_codes)
                raise MaintenanceError(f"{code!r} is not a {code_name}{source}.", f"Known: {codes}.")
        if len(self.component) > _MAX_COMPONENT:
            raise MaintenanceError(
                f"The component has {len(self.component)} characters.", f"Enter at most {_MAX_COMPONENT}."
            )

    @property
    def has_codes(self) -> bool:
        """Whether any of its codes says that something had failed."""
        return any((self.mode, self.cause, self.effect, self.mechanism, self.detection, self.component))

    def __str__(self) -> str:
        """Return the codes with their meaning."""
        parts = [self.kind] if self.kind and self.kind != NO_FAILURE else []
        if self.mode:
            parts.append(f"{self.mode} {FAILURE_MODES[self.mode]}")
        if self.component:
            parts.append(f"component {self.component}")
        if self.mechanism:
            parts.append(f"mechanism {self.mechanism} {FAILURE_MECHANISMS[self.mechanism]}")
        if self.cause:
            parts.append(f"cause {self.cause} {FAILURE_CAUSES[self.cause]}")
        if self.effect:
            parts.append(f"effect {self.effect}: {FAILURE_EFFECTS[self.effect]}")
        if self.detection:
            parts.append(f"detected by {DETECTION_METHODS[self.detection]}")
        return "; ".join(parts)


_MAX_COMPONENT = 200
