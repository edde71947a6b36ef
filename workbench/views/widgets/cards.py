"""Cards that say that something is missing, under way, out of date or wrong."""

from collections.abc import Mapping
from html import escape

from workbench.views.widgets.callbacks import Failure

__all__ = ["damage_card", "empty_card", "error_card", "progress_card", "stale_card"]


def empty_card(what: str, todo: str = "", command: str = "") -> str:
    """Return a card that says what is missing, and how to get it.

    Parameters
    ----------
    what : str
        What is missing.
    todo : str
        What to do about it.
    command : str
        Command line that does it.

    Returns
    -------
    str
        HTML.
    """
    code = f" <code>{escape(command)}</code>" if command else ""
    return f'<div class="wb-card wb-empty"><b>{escape(what)}</b><p>{escape(todo)}{code}</p></div>'


def error_card(failure: Failure) -> str:
    """Return a card that says what happened, what to do, and under which number the log holds it.

    Where it takes the place of a headline, what finds no room there is shown when it is clicked, or has the focus.

    Parameters
    ----------
    failure : Failure
        The error.

    Returns
    -------
    str
        HTML.
    """
    title = escape(f"{failure.what} {failure.todo}".strip())
    return (
        f'<div class="wb-card wb-error" role="alert" tabindex="0" title="{title}">'
        f'<span class="wb-symbol" aria-hidden="true">▲</span>'
        f"<div><b>{escape(failure.what)}</b><p>{escape(failure.todo)}</p></div>"
        f'<span class="wb-muted">error {failure.number}</span></div>'
    )


def stale_card(what: str, todo: str = "") -> str:
    """Return a card that says that what is shown is out of date.

    Parameters
    ----------
    what : str
        What is out of date.
    todo : str
        What to do about it.

    Returns
    -------
    str
        HTML.
    """
    return f'<div class="wb-card wb-old" role="status"><b>{escape(what)}</b><p>{escape(todo)}</p></div>'


def damage_card(damage: Mapping[str, str]) -> str:
    """Return a card that says which channels cannot be read, and what to do; nothing where all can.

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
    """Return a card that says what is under way, with a bar where the number of steps is known.

    Parameters
    ----------
    words : str
        What is under way.
    done, total : int
        Steps done, and steps in all; 0 steps in all where their number is not known.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> progress_card("Reading", 3, 12)
    '<div class="wb-doing" role="status">Reading 3 of 12<progress value="3" max="12"></progress></div>'
    """
    if not total:
        return f'<div class="wb-doing" role="status">{escape(words)}</div>'
    bar = f'<progress value="{done}" max="{total}"></progress>'
    return f'<div class="wb-doing" role="status">{escape(words)} {done} of {total}{bar}</div>'
