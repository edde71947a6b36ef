"""The notebook cell that gives what a view shows."""

from html import escape
from keyword import iskeyword
from typing import Protocol

from workbench.views.state import State

__all__ = ["CodedView", "code_markup", "view_code"]


class CodedView(Protocol):
    """What is asked of a view."""

    @property
    def name(self) -> str:
        """Name in the registry of views."""

    @property
    def state(self) -> State:
        """What is shown."""

    def code_lines(self) -> list[str]:
        """Lines after `session = wb.open()`."""


def view_code(view: CodedView) -> str:
    """Write a cell: open the session, then what gives the view's result, then the view itself.

    Parameters
    ----------
    view : CodedView

    Returns
    -------
    str
        Python.
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
    """Show code with a button that copies it."""
    return (
        f'<button type="button" class="wb-copy" data-copy="{escape(code)}">Copy</button>'
        f'<pre tabindex="0">{escape(code)}</pre>'
    )
