"""Cards: what stands where there is nothing, something under way, something old or something wrong."""

from collections.abc import Mapping
from html import escape

from workbench.views.widgets.callbacks import Failure

__all__ = ["damage_card", "empty_card", "error_card", "progress_card", "stale_card"]


def empty_card(what: str, todo: str = "", command: str = "") -> str:
    """Say that there is nothing to show, and how something comes there.

    Parameters
    ----------
    what, todo : str
        What is missing, what to do about it.
    command : str
        A command line that does it.

    Returns
    -------
    str
        HTML.
    """
    code = f" <code>{escape(command)}</code>" if command else ""
    return f'<div class="wb-card wb-empty"><b>{escape(what)}</b><p>{escape(todo)}{code}</p></div>'


def error_card(failure: Failure) -> str:
    """Say what happened, what to do, and under which number the log holds it."""
    return (
        f'<div class="wb-card wb-error" role="alert"><span class="wb-symbol" aria-hidden="true">▲</span>'
        f"<div><b>{escape(failure.what)}</b><p>{escape(failure.todo)}</p></div>"
        f'<span class="wb-muted">error {failure.number}</span></div>'
    )


def stale_card(what: str, todo: str = "") -> str:
    """Say that what is shown is old."""
    return f'<div class="wb-card wb-old" role="status"><b>{escape(what)}</b><p>{escape(todo)}</p></div>'


def damage_card(damage: Mapping[str, str]) -> str:
    """Say which channels cannot be read, and what to do; nothing where all can.

    Parameters
    ----------
    damage : mapping of str to str
        What is wrong, by channel.

    Returns
    -------
    str
        HTML.
    """
    if not damage:
        return ""
    names = ", ".join(escape(name) for name in damage)
    words = "".join(f"<p>{escape(reason)}</p>" for reason in damage.values())
    return f'<div class="wb-card wb-error" role="alert"><div><b>Cannot be read: {names}</b>{words}</div></div>'


def progress_card(words: str, done: int = 0, total: int = 0) -> str:
    """Say what is under way, with a bar where the number of steps is known.

    Examples
    --------
    >>> progress_card("Reading", 3, 12)
    '<div class="wb-doing" role="status">Reading 3 of 12<progress value="3" max="12"></progress></div>'
    """
    if not total:
        return f'<div class="wb-doing" role="status">{escape(words)}</div>'
    bar = f'<progress value="{done}" max="{total}"></progress>'
    return f'<div class="wb-doing" role="status">{escape(words)} {done} of {total}{bar}</div>'
