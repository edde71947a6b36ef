"""The life of a work order: its types, its states, and which state may follow which."""

from workbench.exceptions import MaintenanceError, TransitionError

__all__ = ["CLOSED", "FAILURE_TYPES", "ORDER_STATES", "ORDER_TYPES", "TRANSITIONS", "check_transition", "check_type"]

ORDER_TYPES = ("corrective", "predictive", "preventive", "inspection", "emergency")
"""What a work order is for."""

FAILURE_TYPES = ("corrective", "predictive", "emergency")
"""Types of an order that repairs a failure, which has a failure mode."""

ORDER_STATES = ("open", "assigned", "in progress", "on hold", "completed", "cancelled")
"""The states in the order in which an order passes them."""

CLOSED = ("completed", "cancelled")
"""States that no other follows."""

TRANSITIONS: dict[str, tuple[str, ...]] = {
    "open": ("assigned", "cancelled"),
    "assigned": ("open", "assigned", "in progress", "on hold", "cancelled"),
    "in progress": ("on hold", "completed", "cancelled"),
    "on hold": ("assigned", "in progress", "cancelled"),
    "completed": (),
    "cancelled": (),
}
"""States that may follow each state; `assigned` follows itself when somebody else takes the order."""


def check_transition(number: str, state: str, wanted: str) -> None:
    """Refuse a change of state that is not allowed.

    Parameters
    ----------
    number : str
        Of the order, for the message.
    state, wanted : str
        Of `ORDER_STATES`.

    Raises
    ------
    TransitionError
        `wanted` may not follow `state`.
    """
    allowed = TRANSITIONS[state]
    if wanted not in allowed:
        following = f"It can become {' or '.join(allowed)}." if allowed else "Open a new work order instead."
        raise TransitionError(f"{number} is {state}: it cannot become {wanted}.", following)


def check_type(name: str) -> str:
    """Give a type of work order back, or refuse it.

    Raises
    ------
    MaintenanceError
        It is not one of `ORDER_TYPES`.
    """
    if name not in ORDER_TYPES:
        raise MaintenanceError(f"{name!r} is no type of work order.", f"Types: {', '.join(ORDER_TYPES)}.")
    return name
