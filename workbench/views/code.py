"""Notebook cells that give what a view shows."""

from html import escape
from keyword import iskeyword
from typing import Protocol

from workbench.views.state import State

__all__ = ["CodedView", "code_markup", "view_code"]


class CodedView(Protocol):
    """What is asked of a view for its notebook cell."""

    @property
    def name(self) -> str:
        """Name of the view in the registry."""

    @property
    def state(self) -> State:
        """State of the view."""

    def code_lines(self) -> list[str]:
        """Return the lines after `session = wb.open()`."""


def view_code(view: CodedView) -> str:
    """Write a cell: open the session, then what gives the view's result, then the view itself.

    Parameters
    ----------
    view : CodedView
        The view.

    Returns
    -------
    str
        Python code.
    """
    state = {key: value for key, value in view.state.items() if key != "view"}
    values = [f"{f'{key}_' if iskeyword(key) else key}={value!r}" for key, value in state.items()]
    lines = view.code_lines()
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    body = "\n".join(line for line in lines if line not in imports).strip("\n")
    return "\n".join(
        [
            *sorted({"import workbench as wb", *imports}, reverse=True),
            "",
            "session = wb.open()",
            body,
            "",
            "# the same, as it is on screen",
            f"session.view({', '.join([repr(view.name), *values])})",
        ]
    )


def code_markup(code: str) -> str:
    """Write code as HTML, with a button that copies it.

    Parameters
    ----------
    code : str
        Python code.
    """
    return (
        f'<button type="button" class="wb-copy" data-copy="{escape(code)}">Copy</button>'
        f'<pre tabindex="0">{escape(code)}</pre>'
    )
