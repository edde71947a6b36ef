"""Checklists: what is asked during the work, and which answers are allowed."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from workbench.counts import counted
from workbench.exceptions import MaintenanceError
from workbench.maintenance.values import MAX_METER_READING, number_in_range

__all__ = [
    "ANSWER_TYPES",
    "BEFORE_WORK",
    "TICKED",
    "Answer",
    "ChecklistItem",
    "answer",
    "from_json",
    "missing",
    "missing_before_work",
    "to_json",
]

ANSWER_TYPES = ("done", "number", "text", "choice", "meter", "safety", "permit")
"""Types of answers: ticked, a number, a text, one of several, or the reading of a meter, which never runs backwards; a
safety step, which is ticked, and the number of a permit, both before the work starts."""

TICKED = ("done", "safety")
"""Types of answers that are ticked."""

BEFORE_WORK = ("safety", "permit")
"""Types of items without whose answer the work must not start."""

Answer = bool | float | str


@dataclass(frozen=True)
class ChecklistItem:
    """One question of a checklist, with its answer.

    Attributes
    ----------
    text : str
        What to do or find out.
    kind : str
        Type of the answer, of `ANSWER_TYPES`.
    required : bool
        Whether the order can only be completed with an answer.
    choices : tuple of str
        Choices, for kind `choice` only.
    units : str
        Units of a number or a reading.
    low, high : float or None
        Range in which a number should lie; one outside is accepted with a remark, and marked.
    meter : str
        Name of the asset's meter, for kind `meter` only.
    answer : bool, float, str or None
        Answer; None until somebody answers.
    answered_by : str
        Person who answered; empty until then.
    answered_at : datetime or None
        Time of the answer, UTC.
    remark : str
        What the person wrote about a number out of range; empty where there is nothing to say.

    Raises
    ------
    MaintenanceError
        The text is empty, the kind unknown, a choice has fewer than two choices, a meter no name, or low lies
        above high.
    """

    text: str
    kind: str = "done"
    required: bool = True
    choices: tuple[str, ...] = ()
    units: str = ""
    low: float | None = None
    high: float | None = None
    meter: str = ""
    answer: Answer | None = None
    answered_by: str = ""
    answered_at: datetime | None = None
    remark: str = ""

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise MaintenanceError("An item of a checklist has no text.", "Say what to do or find out.")
        if self.kind not in ANSWER_TYPES:
            raise MaintenanceError(
                f"{self.text!r} has the unknown type of answer {self.kind!r}.", f"Known: {', '.join(ANSWER_TYPES)}."
            )
        if (self.kind == "choice") != (len(self.choices) > 1):
            raise MaintenanceError(
                f"{self.text!r} is of kind {self.kind} and has {counted(len(self.choices), 'choice')}.",
                "Kind choice has two or more, any other kind none.",
            )
        if (self.kind == "meter") != bool(self.meter):
            raise MaintenanceError(
                f"{self.text!r} is of kind {self.kind} and names {self.meter or 'no'} meter.",
                "Kind meter names its meter, any other kind none.",
            )
        if self.low is not None and self.high is not None and self.low > self.high:
            raise MaintenanceError(
                f"{self.text!r} should lie between {self.low:g} and {self.high:g}.", "low must not lie above high."
            )

    @property
    def out_of_range(self) -> bool:
        """Return whether a number was answered that lies below `low` or above `high`."""
        if self.kind not in ("number", "meter") or not isinstance(self.answer, (int, float)):
            return False
        return (self.low is not None and self.answer < self.low) or (self.high is not None and self.answer > self.high)


def answer(
    item: ChecklistItem, new_answer: Answer, *, who: str, at: datetime, last: float | None = None, remark: str = ""
) -> ChecklistItem:
    """Return an item with its answer.

    Parameters
    ----------
    item : ChecklistItem
        Item that is answered.
    new_answer : bool, float or str
        True or False for kind `done`, a number for `number` and `meter`, one of the choices for `choice`. Numbers
        may come as text.
    who : str
        Person who answers.
    at : datetime
        Time of the answer, UTC.
    last : float, optional
        The meter's last reading, in the item's units.
    remark : str
        What there is to say about the answer; a number out of range needs one.

    Returns
    -------
    ChecklistItem
        The item with the answer.

    Raises
    ------
    MaintenanceError
        The answer is of another type, not finite, not one of the choices, empty, below the last reading, or out of
        range without a remark.
    """
    value: Answer
    if item.kind in TICKED:
        value = _yes_or_no(item, new_answer)
    elif item.kind in ("number", "meter"):
        value = _number(item, new_answer)
        if item.kind == "meter":
            number_in_range(f"the reading of {item.meter}", value, MAX_METER_READING)
        if item.kind == "meter" and last is not None and value < last:
            raise MaintenanceError(
                f"{item.text}: {value:g} lies below the last reading of {item.meter}, {last:g}.",
                "Read it again, or record its replacement as a new meter: a meter does not run backwards.",
            )
    elif item.kind == "choice":
        if new_answer not in item.choices:
            raise MaintenanceError(
                f"{item.text}: {new_answer!r} is not one of the choices.", f"Choices: {', '.join(item.choices)}."
            )
        value = str(new_answer)
    else:
        if not isinstance(new_answer, str) or not new_answer.strip():
            raise MaintenanceError(f"{item.text}: {new_answer!r} is not a text.", "Write a few words.")
        value = new_answer.strip()
    answered_item = replace(item, answer=value, answered_by=who, answered_at=at, remark=remark.strip())
    if answered_item.out_of_range and not answered_item.remark:
        bounds = [f"{words} {bound:g}" for words, bound in (("from", item.low), ("to", item.high)) if bound is not None]
        raise MaintenanceError(
            f"{item.text}: {value:g} is out of range ({' '.join(bounds)}{f' {item.units}' if item.units else ''}).",
            "Read it again, or add a remark that says why, or what follows from it.",
        )
    return answered_item


def missing(items: Sequence[ChecklistItem]) -> list[str]:
    """Return the texts of required items that are not answered, or not done."""
    return [item.text for item in items if item.required and (item.answer is None or item.answer is False)]


def missing_before_work(items: Sequence[ChecklistItem]) -> list[str]:
    """Return the texts of required safety steps and permits that are not answered, or not done."""
    return missing([item for item in items if item.kind in BEFORE_WORK])


def to_json(items: Sequence[ChecklistItem]) -> list[dict[str, Any]]:
    """Return items as JSON values, as they are stored, with times in ISO 8601."""
    rows = []
    for item in items:
        row = {key: value for key, value in asdict(item).items() if value != _DEFAULTS.get(key)}
        if item.answered_at is not None:
            row["answered_at"] = item.answered_at.isoformat()
        if item.choices:
            row["choices"] = list(item.choices)
        rows.append(row)
    return rows


def from_json(rows: Sequence[dict[str, Any]]) -> tuple[ChecklistItem, ...]:
    """Return the items of JSON values, as `to_json` returns them or written by hand.

    Raises
    ------
    MaintenanceError
        A row has an unknown key, or no text.
    """
    items = []
    for row in rows:
        values = dict(row)
        if unknown := set(values) - _KEYS:
            raise MaintenanceError(
                f"An item of a checklist has no {', '.join(sorted(unknown))}.", f"Known: {', '.join(sorted(_KEYS))}."
            )
        if "text" not in values:
            raise MaintenanceError("An item of a checklist has no text.", "Say what to do or find out.")
        values["choices"] = tuple(values.get("choices", ()))
        if isinstance(values.get("answered_at"), str):
            values["answered_at"] = datetime.fromisoformat(values["answered_at"])
        items.append(ChecklistItem(**values))
    return tuple(items)


def _yes_or_no(item: ChecklistItem, new_answer: Answer) -> bool:
    if not isinstance(new_answer, bool):
        words: dict[Any, Literal[True, False]] = {"yes": True, "true": True, "no": False, "false": False}
        if new_answer not in words:
            raise MaintenanceError(f"{item.text}: {new_answer!r} is neither yes nor no.", "Answer yes or no.")
        return words[new_answer]
    return new_answer


def _number(item: ChecklistItem, new_answer: Answer) -> float:
    try:
        value = math.nan if isinstance(new_answer, bool) else float(new_answer)
    except (ValueError, OverflowError):
        value = math.nan
    if not abs(value) <= _MAX_NUMBER:  # true for NaN too
        raise MaintenanceError(
            f"{item.text}: {new_answer!r} is not a number.",
            f"Enter a finite number{_in(item.units)}, from -{_MAX_NUMBER:g} to {_MAX_NUMBER:g}.",
        )
    return value


_MAX_NUMBER = 1e15


def _in(units: str) -> str:
    return f" in {units}" if units else ""


_DEFAULTS = {key: value for key, value in asdict(ChecklistItem(text="-")).items() if key != "text"}
_KEYS = {"text", *_DEFAULTS}
