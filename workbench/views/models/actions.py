"""What is done about a model: promoting, rolling back, retiring, scoring, training; each in a process of its own."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from workbench.detection.forecasters import FORECASTERS
from workbench.jobs.processes import Request, TrainingProcess, run_command
from workbench.views.models.markup import progress_markup
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import Failure, Guard, callback

if TYPE_CHECKING:
    from workbench.views.models.view import Models

__all__ = ["Actions"]


class Actions:
    """Buttons, how a training is to be done, and how far it is.

    Parameters
    ----------
    view : Models
        Gives session and choice, and shows the errors.

    Attributes
    ----------
    promote, rollback, retire, score, retrain, cancel : ipywidgets.Button
    how, seed : ipywidgets.Widget
        Forecaster and seed of the next training.
    bar, doing, told : ipywidgets.Widget
    epochs : list of dict
        Of the training that runs: `epoch`, `epochs`, `loss`, `validation_loss`.
    """

    def __init__(self, view: "Models") -> None:
        self._view = view
        self._training: TrainingProcess | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._offered = ""
        self.epochs: list[dict[str, Any]] = []
        tip = "Make it champion, if it is better on the same held-out data (P)"
        self.promote = button("Promote", tip, self.on_promote, "wb-key-p")
        tip = "Make the version champion that was so before (B)"
        self.rollback = button("Roll back", tip, self.on_rollback, "wb-key-b")
        tip = "Take it out of use: the version that was champion before serves, or none; nothing is deleted"
        self.retire = button("Retire", tip, self.on_retire)
        self.score = button("Score again", "Score the channel with its champion (S)", self.on_score, "wb-key-s")
        self.retrain = button("Train again", "Train a new version, and register it (L)", self.on_retrain, "wb-key-l")
        self.cancel = button("Cancel", "Stop the training; nothing of it stays", self.on_cancel)
        self.how = classed(widgets.Dropdown(options=list(FORECASTERS), description="with"), "wb-field")
        self.seed = classed(widgets.BoundedIntText(0, min=0, max=2**31 - 1, description="seed"), "wb-field")
        self.how.value = "ridge"
        self._doing, self.told = widgets.HTML(), classed(widgets.HTML(), "wb-told")
        done = (self.promote, self.rollback, self.retire, self.score)
        self.bar = box("wb-bar wb-actions", *done, self.retrain, self.how, self.seed)
        self.doing = box("wb-bar wb-training", self._doing, self.cancel)

    @property
    def running(self) -> str:
        """The channel that is trained; empty where none is."""
        return "" if self._training is None else self._training.request.channel

    @property
    def title(self) -> str:
        """The view's."""
        return self._view.title

    def fail(self, failure: Failure, source: str) -> None:
        """Have the view show the card."""
        self._view.fail(failure, source)

    def mend(self, source: str) -> None:
        """Have the view take the card away."""
        self._view.mend(source)

    def show(self) -> None:
        """Enable what the chosen version allows."""
        view, busy = self._view, self._task is not None
        info = view.info
        if info is not None and info.id != self._offered:
            self.how.value, self._offered = info.forecaster, info.id
        own = [other for other in view.versions() if info is not None and other.name == info.name]
        champion = next((other for other in own if "champion" in other.aliases), None)
        self.promote.disabled = busy or info is None or info == champion
        self.rollback.disabled = busy or champion is None or champion.replaced is None
        self.retire.disabled = busy or info is None or info.retired
        self.score.disabled = busy or info is None
        self.retrain.disabled = busy or not view.channel
        self.doing.layout.display = None if busy else "none"
        self.cancel.layout.display = None if self._training is not None else "none"

    def close(self) -> None:
        """Stop the training."""
        self._closed = True
        if self._training is not None:
            self._training.stop()

    # ---- callbacks

    @callback
    def on_promote(self, pressed: widgets.Button) -> None:
        """Make the chosen version champion."""
        del pressed
        info = self._view.info
        if info is not None:
            self._run("models", "promote", info.name, str(info.version))

    @callback
    def on_rollback(self, pressed: widgets.Button) -> None:
        """Make the version champion that was so before."""
        del pressed
        if self._view.info is not None:
            self._run("models", "rollback", self._view.info.name)

    @callback
    def on_retire(self, pressed: widgets.Button) -> None:
        """Take the chosen version out of use."""
        del pressed
        info = self._view.info
        if info is not None:
            self._run("models", "retire", info.name, str(info.version))

    @callback
    def on_score(self, pressed: widgets.Button) -> None:
        """Score the channel."""
        del pressed
        if self._view.channel:
            self._run("score", self._view.channel)

    @callback
    def on_retrain(self, pressed: widgets.Button) -> None:
        """Train a new version."""
        del pressed
        if self._task is not None or not self._view.channel:
            return
        request = Request(self._view.channel, str(self.how.value), int(self.seed.value))
        self._training, self.epochs = TrainingProcess(self._view.session.settings, request, self.on_epoch), []
        self._begin("train", self._training.run(), self._on_trained, progress_markup(_name(request), []))

    @callback
    def on_epoch(self, told: dict[str, Any]) -> None:
        """Show how far the training is."""
        if self._training is None:
            return
        if "epoch" in told:
            self.epochs.append(told)
        name = _name(self._training.request)
        self._doing.value = progress_markup(name, self.epochs, f"Registering {name}" if told.get("registering") else "")
        self._view.trained_on()

    @callback
    def on_cancel(self, pressed: widgets.Button) -> None:
        """Stop the training."""
        del pressed
        if self._training is not None:
            self._training.stop()
            self._doing.value = progress_markup("", [], f"Stopping the training of {_name(self._training.request)}")

    # ---- parts

    def _run(self, *command: str) -> None:
        if self._task is None:
            words = progress_markup("", [], f"workbench {' '.join(command)}")
            self._begin(" ".join(command[:2]), run_command(self._view.session.settings, *command), self._say, words)

    def _begin(self, source: str, work: Coroutine[Any, Any, Any], ended: Callable[[Any], None], markup: str) -> None:
        """Do work beside the page; where no event loop runs, as in a script, now."""
        self.told.value, self._doing.value = "", markup
        follow = self._follow(source, work, ended)
        try:
            self._task = asyncio.get_running_loop().create_task(follow)
        except RuntimeError:
            asyncio.run(follow)
        self.show()

    async def _follow(self, source: str, work: Coroutine[Any, Any, Any], ended: Callable[[Any], None]) -> None:
        results = []
        with Guard(self, source, timed=False):
            results.append(await work)
        self._training = self._task = None
        self.epochs = []
        if self._closed:
            return
        for result in results:  # one, or none where it failed
            ended(result)
        self._doing.value = ""
        self._view.refresh()
        self._view.altered()

    def _on_trained(self, done: Mapping[str, str] | None) -> None:
        if done is None:
            self._say("Stopped: nothing of the training stays.")
        elif done["status"] == "failed":
            self._say(done["reason"])
        else:
            self._view.model = done["model"]
            alias = f" as {done['alias']}" if done["alias"] else ""
            self._say(f"{done['model']} is registered{alias}. {done['reason']}")

    def _say(self, words: str) -> None:
        self.told.value = f"<p role='status'>{escape(words)}</p>"


def _name(request: Request) -> str:
    return f"{request.channel}.{request.forecaster}"
