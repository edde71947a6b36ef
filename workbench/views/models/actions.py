"""What is done about a model: promoting, rolling back, retiring, scoring, training; each in a process of its own."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets

from workbench.detection.forecasters import FORECASTERS
from workbench.jobs.processes import Request, TrainingProcess, run_command
from workbench.views.models.host import ModelsHost
from workbench.views.models.markup import progress_markup
from workbench.views.section import Section
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import Guard, callback
from workbench.views.widgets.refusals import Range, Refusals

__all__ = ["Actions"]

_MOST_SEED = 2**31 - 1


class Actions(Section[ModelsHost]):
    """Buttons for the chosen version, the settings of the next training, and how far a training is.

    Attributes
    ----------
    promote, rollback, retire, score, retrain, cancel : ipywidgets.Button
        Buttons of the actions.
    how, seed : ipywidgets.Widget
        Forecaster and seed of the next training.
    refusals : Refusals
        The note at the seed, where that was refused.
    outcome : ipywidgets.HTML
        What the last action did.
    epochs : list of dict
        Epochs of the training that runs: `epoch`, `epochs`, `loss`, `validation_loss`.
    """

    name: ClassVar[str] = "Actions"
    css: ClassVar[str] = "wb-model-actions"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self._training: TrainingProcess | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._offered = ""  # id of the version whose forecaster is offered for the next training
        self.epochs: list[dict[str, Any]] = []
        tip = "Make this version the champion if it is better on the same held-out data (P)"
        self.promote = button("Promote", tip, self.on_promote, "wb-key-p")
        tip = "Make the previous champion the champion again (B)"
        self.rollback = button("Roll back", tip, self.on_rollback, "wb-key-b")
        tip = "Take this version out of use; the previous champion serves instead, or none. Nothing is deleted"
        self.retire = button("Retire", tip, self.on_retire)
        tip = "Score the channel again with its champion (S)"
        self.score = button("Score again", tip, self.on_score, "wb-key-s")
        tip = "Train a new version and register it (L)"
        self.retrain = button("Train again", tip, self.on_retrain, "wb-key-l")
        self.cancel = button("Cancel", "Stop the training; no version is registered", self.on_cancel)
        self.how = classed(widgets.Dropdown(options=list(FORECASTERS), description="Forecaster"), "wb-field")
        self.how.value = "ridge"
        self.seed = classed(widgets.IntText(0, description="Seed"), "wb-field")
        self.outcome = classed(widgets.HTML(), "wb-told")
        self._progress = widgets.HTML()
        asked = box("wb-bar")
        fields = {"how": self.how, "seed": self.seed}
        self.refusals = Refusals(asked, fields, ranges={"seed": Range(0, _MOST_SEED)})
        buttons = (self.promote, self.rollback, self.retire, self.score, self.retrain)
        self._under_way = box("wb-bar wb-training", self._progress, self.cancel)
        return [box("wb-bar wb-actions", *buttons, asked), self._under_way, self.outcome]

    @property
    def running(self) -> str:
        """The channel that is trained; empty where none is."""
        return "" if self._training is None else self._training.request.channel

    def show(self) -> None:
        """Enable what the chosen version allows."""
        info, busy = self.view.info, self._task is not None
        if info is not None and info.id != self._offered:
            kinds = [info.forecaster] if info.of_asset else list(FORECASTERS)
            if list(self.how.options) != kinds:
                self.how.options = kinds
            self.how.value = info.forecaster
            self._offered = info.id
        own = [other for other in self.view.versions() if info is not None and other.name == info.name]
        champion = next((other for other in own if "champion" in other.aliases), None)
        self.promote.disabled = busy or info is None or info == champion
        self.rollback.disabled = busy or champion is None or champion.replaced is None
        self.retire.disabled = busy or info is None or info.retired
        self.score.disabled = busy or info is None
        self.retrain.disabled = busy or not self.view.channel
        self._under_way.layout.display = None if busy else "none"
        self.cancel.layout.display = None if self._training is not None else "none"

    def close(self) -> None:
        """Stop the training, and take the section from the page."""
        self._closed = True
        if self._training is not None:
            self._training.stop()
        super().close()

    # ---- callbacks

    @callback
    def on_promote(self, pressed: widgets.Button) -> None:
        """Make the chosen version the champion."""
        del pressed
        info = self.view.info
        if info is not None:
            self._run("models", "promote", info.name, str(info.version))

    @callback
    def on_rollback(self, pressed: widgets.Button) -> None:
        """Make the previous champion the champion again."""
        del pressed
        if self.view.info is not None:
            self._run("models", "rollback", self.view.info.name)

    @callback
    def on_retire(self, pressed: widgets.Button) -> None:
        """Retire the chosen version, so that it is out of use."""
        del pressed
        info = self.view.info
        if info is not None:
            self._run("models", "retire", info.name, str(info.version))

    @callback
    def on_score(self, pressed: widgets.Button) -> None:
        """Score the channel with its champion."""
        del pressed
        if self.view.channel:
            self._run("score", self.view.channel)

    @callback
    def on_retrain(self, pressed: widgets.Button) -> None:
        """Train a new version of the channel's model."""
        del pressed
        if self._task is not None or not self.view.channel:
            return
        if self.view.info is not None and self.view.info.of_asset:
            self._run("train", self.view.channel, "--force")
            return
        with self.refusals.refusing():
            self.refusals.check()
            self._train()

    def _train(self) -> None:
        request = Request(self.view.channel, str(self.how.value), self.seed.value)
        self._training = TrainingProcess(self.view.session.settings, request, self.on_report)
        self.epochs = []
        self._begin("train", self._training.run(), self._on_trained, progress_markup(_name(request), []))

    @callback
    def on_report(self, report: dict[str, Any]) -> None:
        """Show what the training reports: an epoch, or that it registers the version."""
        if self._training is None:
            return
        if "epoch" in report:
            self.epochs.append(report)
        name = _name(self._training.request)
        words = f"Registering {name}" if report.get("registering") else ""
        self._progress.value = progress_markup(name, self.epochs, words)
        self.view.on_epochs()

    @callback
    def on_cancel(self, pressed: widgets.Button) -> None:
        """Stop the training that runs."""
        del pressed
        if self._training is not None:
            self._training.stop()
            words = f"Stopping the training of {_name(self._training.request)}"
            self._progress.value = progress_markup("", [], words)

    # ---- parts

    def _run(self, *command: str) -> None:
        if self._task is None:
            words = progress_markup("", [], f"workbench {' '.join(command)}")
            self._begin(" ".join(command[:2]), run_command(self.view.session.settings, *command), self._say, words)

    def _begin(self, source: str, work: Coroutine[Any, Any, Any], ended: Callable[[Any], None], markup: str) -> None:
        """Do work beside the page; where no event loop runs, as in a script, now."""
        self.outcome.value = ""
        self._progress.value = markup
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
        self._training = None
        self._task = None
        self.epochs = []
        if self._closed:
            return
        for result in results:  # one, or none where the work failed and its error is shown
            ended(result)
        self._progress.value = ""
        self.view.refresh()
        if results:  # altered() closes the card of an error
            self.view.altered()

    def _on_trained(self, result: Mapping[str, str] | None) -> None:
        if result is None:
            self._say("Training stopped. No version was registered.")
        elif result["status"] == "failed":
            self._say(result["reason"])
        else:
            self.view.model = result["model"]
            alias = f" as {result['alias']}" if result["alias"] else ""
            self._say(f"{result['model']} is registered{alias}. {result['reason']}")

    def _say(self, words: str) -> None:
        self.outcome.value = f"<p role='status'>{escape(words)}</p>"


def _name(request: Request) -> str:
    return f"{request.channel}.{request.forecaster}"
