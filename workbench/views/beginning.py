"""How to begin in an empty home: the demo fleet, a file of one's own, or NASA's telemetry, each by a button."""

import asyncio
from collections.abc import Callable, Coroutine
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from workbench.exceptions import ViewError
from workbench.jobs.processes import run_command
from workbench.settings import Settings
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import Guard, Guarded, Hosted, callback
from workbench.views.widgets.cards import progress_card
from workbench.views.widgets.drop import MAX_BYTES, Drop

__all__ = ["Beginning"]

_COMMANDS = {
    "demo": ("run", "--no-serve", "--still"),
    "nasa": ("fetch",),
}
_LABELS = {
    "demo": ("Make the demo fleet", "Three machines with a year of alerts and work behind them; takes a minute"),
    "nasa": ("Fetch NASA's telemetry", "82 channels of two spacecraft, downloaded once; takes some minutes"),
}


class Beginning(Hosted):
    """The card that stands in place of every view that has nothing to show.

    Parameters
    ----------
    host : Guarded
        Page that shows an error.
    settings : Settings
        Settings that the commands run with.
    take_file : callable
        Called with the path of a file that was dropped.
    ended : callable
        Called when a command has filled the home.

    Attributes
    ----------
    widget : ipywidgets.Box
        The card.
    buttons : dict of str to ipywidgets.Button
        Buttons by what they do: `demo`, `nasa`.
    drop : Drop
        Place for a file.
    """

    def __init__(
        self, host: Guarded, settings: Settings, take_file: Callable[[Path], None], ended: Callable[[], None]
    ) -> None:
        super().__init__(host)
        self._settings, self._take_file, self._ended = settings, take_file, ended
        self._task: asyncio.Task[None] | None = None
        self._progress = widgets.HTML()
        self.buttons = {name: button(words, tip, self.on_begin) for name, (words, tip) in _LABELS.items()}
        self.drop = Drop(
            "File to import", "Drop a file of your own here, or click to choose one", on_file=self.on_file,
            on_too_large=self.on_too_large,
        )  # fmt: skip
        rows = [
            box("wb-bar", made, classed(widgets.HTML(_command_words(_COMMANDS[name])), "wb-command"))
            for name, made in self.buttons.items()
        ]
        head = widgets.HTML(
            "<h2>This home has no telemetry yet</h2><p>Begin with one of these; the commands do the same.</p>"
        )
        own = box("wb-own", self.drop, widgets.HTML(_command_words(("import", "FILE"))))
        self.widget = box("wb-beginning wb-panel", head, rows[0], own, rows[1], self._progress)

    @callback
    def on_begin(self, pressed: widgets.Button) -> None:
        """Fill the home by the command of a button, in a process of its own."""
        if self._task is not None:
            return
        name = next(name for name, made in self.buttons.items() if made is pressed)
        words = pressed.description
        self._progress.value = progress_card(f"{words}: under way")
        self._enable(enabled=False)
        work = self._follow(words, run_command(self._settings, *_COMMANDS[name]))
        try:
            self._task = asyncio.get_running_loop().create_task(work)
        except RuntimeError:  # where no event loop runs, as in a script, it is done now
            asyncio.run(work)

    @callback
    def on_file(self, path: Path) -> None:
        """Look at a file that was dropped."""
        self._take_file(path)

    @callback
    def on_too_large(self, name: str, size: int) -> None:
        """Say how a file that is too large for the page is imported."""
        raise ViewError(
            f"{name} has {size / 1e6:,.0f} MB. The page takes files of up to {MAX_BYTES / 1e6:.0f} MB.",
            "Copy it to the machine of the dashboard and run there: workbench import PATH --dry-run",
        )

    def close(self) -> None:
        """End what is under way."""
        if self._task is not None:
            self._task.cancel()

    async def _follow(self, source: str, work: Coroutine[Any, Any, str]) -> None:
        with Guard(self, source, timed=False):
            await work
        self._task = None
        self._progress.value = ""
        self._enable(enabled=True)
        self._ended()

    def _enable(self, *, enabled: bool) -> None:
        for made in self.buttons.values():
            made.disabled = not enabled


def _command_words(command: tuple[str, ...]) -> str:
    return f"<code>workbench {escape(' '.join(command))}</code>"
