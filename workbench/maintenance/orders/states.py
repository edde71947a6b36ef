"""The life of a work order: its types, its states, and which state may follow which."""

from workbench.exceptions import MaintenanceError, TransitionError

__all__ = [
    "CLOSED",
    "FAILURE_TYPES",
    "ORDER_STATES",
    "ORDER_TYPES",
    "TRANSITIONS",
    "VERDICTS_OF_NO_FAILURE",
    "check_transition",
    "check_type",
]

ORDER_TYPES = ("corrective", "predictive", "preventive", "inspection", "emergency")
"""Types of work orders, by what they are for."""

FAILURE_TYPES = ("corrective", "predictive", "emergency")
"""Types of an order that repairs a failure, which has a failure mode."""

VERDICTS_OF_NO_FAILURE = ("false alarm", "known behaviour", "test")
"""Verdicts on alerts that leave nothing to repair."""

ORDER_STATES = ("open", "assigned", "in progress", "on hold", "completed", "cancelled")
"""The states in the order in which an order passes them."""

CLOSED = ("completed", "cancelled")
"""States that are final."""

TRANSITIONS: dict[str, tuple[str, ...]] = {
    "open": ("assigned", "cancelled"),
    "assigned": ("open", "assigned", "in progress", "on hold", "cancelled"),
    "in progress": ("on hold", "completed", "cancelled"),
    "on hold": ("assigned", "in progress", "cancelled"),
    "completed": (),
    "cancelled": (),
}
"""States that may follow each state; `assigned` follows itself when somebody else takes the order."""


def check_transition(number: str, state: str, new_state: str) -> None:
    """Raise an error where a change of state is not allowed.

    Parameters
    ----------
    number : str
        Number of the order, for the message.
    state, new_state : str
        Present and next state, of `ORDER_STATES`.

    Raises
    ------
    TransitionError
        `new_state` may not follow `state`.
    """
    allowed = TRANSITIONS[state]
    if new_state not in allowed:
        following = f"It can become {' or '.join(allowed)}." if allowed else "Open a new work order instead."
        raise TransitionError(f"{number} is {state}: it cannot become {new_state}.", following)


def check_type(name: str) -> str:
    """Return a type of work order, or raise an error where it is unknown.

    Raises
    ------
    MaintenanceError
        The name is not one of `ORDER_TYPES`.
    """
    if name not in ORDER_TYPES:
        raise MaintenanceError(f"{name!r} is not a type of work order.", f"Types: {', '.join(ORDER_TYPES)}.")
    return name
