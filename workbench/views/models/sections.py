"""The sections under a chosen model: its training, its channel's versions, and what labels say."""

from abc import abstractmethod
from functools import partial
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.jobs.registry_ui import model_address, registry_address
from workbench.judging import confusion
from workbench.models.curves import CURVES, learning_curves
from workbench.models.versus import STEPS, Versus, versus
from workbench.plots.comparison import comparison_figure, update_comparison_figure
from workbench.plots.learning_curve import learning_curve_figure, update_learning_curve
from workbench.plots.series import is_dated
from workbench.views.models.host import ModelsHost
from workbench.views.models.markup import confusion_markup, facts_markup, versions_markup, versus_markup
from workbench.views.section import Section
from workbench.views.widgets.background import Background
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.cards import progress_card
from workbench.views.widgets.grid import Grid
from workbench.views.widgets.kept_charts import KeptCharts
from workbench.views.widgets.timers import Later

__all__ = ["SECTIONS", "Labels", "ModelSection", "Training", "Versions"]


class ModelSection(Section[ModelsHost]):
    """A section under the chosen model; only the one that is open is shown what is chosen.

    Parameters
    ----------
    view : ModelsHost
        The models view.

    Attributes
    ----------
    charts : KeptCharts
        The section's chart, if it has one.
    """

    chart: ClassVar[str] = ""

    def __init__(self, view: ModelsHost) -> None:
        self.charts = KeptCharts([self.chart] if self.chart else [], view.tokens)
        super().__init__(view)

    @abstractmethod
    def show(self) -> None:
        """Show what is chosen."""

    @abstractmethod
    def code_lines(self) -> list[str]:
        """Return the lines of a notebook cell whose last one has what is shown."""

    def table(self) -> pd.DataFrame | None:
        """Return the table that is exported; None where that is the list of models."""
        return None

    def forget(self) -> None:
        """Forget what was read, since it may have changed."""
        return

    def recolour(self) -> None:
        """Draw the charts again in the view's colours when the section is shown."""
        self.charts.recolour(self.view.tokens)

    def close(self) -> None:
        """Stop what is under way and take the section from the page."""
        self.charts.clear()
        super().close()


class Training(ModelSection):
    """The learning curve of the chosen version, or of the training that runs, with parameters and tags."""

    name: ClassVar[str] = "Training"
    css: ClassVar[str] = "wb-part wb-part-training"
    chart: ClassVar[str] = "Learning curve"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self._facts = classed(widgets.HTML(), "wb-model-facts")
        return [self.charts.boxes[self.chart], self._facts]

    def show(self) -> None:
        """Show the learning curve, and the facts about the version."""
        info, epochs = self.view.info, self.view.epochs
        if epochs:
            curves = pd.DataFrame(epochs).reindex(columns=["epoch", *CURVES])
            words = "Loss by epoch, training under way"
        elif info is None:
            curves, words = pd.DataFrame(columns=["epoch", *CURVES]), "No model yet"
        else:
            curves = learning_curves(self.view.session.registry, info)
            words = "Loss by epoch"
        make = partial(learning_curve_figure, curves, words=words, tokens=self.view.tokens)
        self.charts.show(self.chart, make, partial(_update_curves, curves, words))
        self.charts.boxes[self.chart].layout.display = None if len(curves) else "none"
        if info is None:
            self._facts.value = "<p class='wb-note'>This channel has no model. Press Train again to train one.</p>"
            return
        address = registry_address(self.view.session.settings)
        served = model_address(address, info.name, info.version) if address else ""
        drift = self.view.drift.get(info.id, {})
        note = "" if len(curves) else "<p class='wb-note'>No learning curve is stored for this version.</p>"
        self._facts.value = note + facts_markup(info, drift, str(self.view.row().get("stale", "")), served)

    def code_lines(self) -> list[str]:
        """Return the lines that list the models."""
        return ["session.models.list()"]


class Versions(ModelSection):
    """All versions of the channel; two that are marked are compared on the same data.

    Attributes
    ----------
    grid : Grid
        Table of the versions.
    comparison : Versus or None
        The last comparison.
    """

    name: ClassVar[str] = "Versions"
    css: ClassVar[str] = "wb-part wb-part-versions"
    chart: ClassVar[str] = "Comparison"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.comparison: Versus | None = None
        self._work = Background(self, "compare", self._on_step, self._on_compared)
        self.grid = Grid("Versions", pick=self.on_pick, mark=self.on_mark)
        tip = "Compare the two marked versions on the same held-out and test data (V)"
        self.compare = button("Compare marked versions", tip, self.on_compare)
        classed(self.compare, "wb-key-v")
        self._words = widgets.HTML()
        self._figures = classed(widgets.HTML(), "wb-versus")
        return [self.grid, box("wb-bar", self.compare, self._words), self.charts.boxes[self.chart], self._figures]

    def show(self) -> None:
        """List the versions; a comparison of another channel is taken away."""
        versions = self.view.versions()
        ids = [info.id for info in versions]
        self.grid.marked = [model for model in self.grid.marked if model in ids]
        self.grid.html = (
            versions_markup(versions, self.view.session.clock())
            if versions
            else "<p class='wb-note'>This channel has no model. Press Train again to train one.</p>"
        )
        self.grid.chosen = self.view.model
        if self.comparison is not None and {info.id for info in self.comparison.models} - set(ids):
            self._clear()
        if self.comparison is not None:
            self._draw(self.comparison)
        self._enable()

    def forget(self) -> None:
        """Say that the comparison is of before, since data may have changed; what was asked for does not vanish."""
        if self.comparison is not None:
            self._words.value = "<span class='wb-muted'>Data has changed since: compare again.</span>"

    def _clear(self) -> None:
        """Remove the comparison of another channel."""
        self._work.stop()
        self.comparison = None
        self._words.value = ""
        self._figures.value = ""
        self.charts.clear()

    def table(self) -> pd.DataFrame | None:
        """Return the figures of the comparison."""
        return None if self.comparison is None else self.comparison.figures

    def code_lines(self) -> list[str]:
        """Return the lines that compare the same two versions."""
        if self.comparison is None:
            return [f"session.models.compare({self.view.channel!r})"] if self.view.info else ["session.models.list()"]
        pair = ", ".join(f"session.registry.get({info.name!r}, {info.version})" for info in self.comparison.models)
        return [
            "from workbench.models.versus import versus",
            f"pair = ({pair})",
            "levels = session.settings.severity",
            "versus(session.archive, session.registry, pair, session.settings.params, levels).figures",
        ]

    @callback
    def on_pick(self, model: str) -> None:
        """Choose the version of a row."""
        self.view.pick(model)

    @callback
    def on_mark(self, _value: str) -> None:
        """Enable the comparison where two versions are marked."""
        self._enable()

    @callback
    def on_compare(self, pressed: widgets.Button) -> None:
        """Compare the two versions that are marked."""
        del pressed
        chosen = [info for info in self.view.versions() if info.id in self.grid.marked]
        if len(chosen) != 2:
            return
        session = self.view.session
        pair, settings = (chosen[0], chosen[1]), session.settings
        self._words.value = progress_card("Comparing", 0, STEPS)
        self._work.start(
            lambda tell: versus(session.archive, session.registry, pair, settings.params, settings.severity, done=tell)
        )

    def close(self) -> None:
        """Stop the comparison and take the section from the page."""
        self._work.stop()
        super().close()

    def _on_step(self, done: Any) -> None:
        self._words.value = progress_card("Comparing", int(done), STEPS)

    def _on_compared(self, comparison: Versus | None) -> None:
        self._words.value = ""
        self.comparison = comparison
        if comparison is not None:
            self._draw(comparison)

    def _draw(self, comparison: Versus) -> None:
        channel = self.view.session.channel(comparison.models[0].channel, "test")
        names = (comparison.models[0].id, comparison.models[1].id)
        shown = (channel, comparison.scored, comparison.anomalies, names)
        make = partial(comparison_figure, *shown, tokens=self.view.tokens)
        kind = (names, is_dated(channel))
        self.charts.show(self.chart, make, partial(_update_comparison, shown), kind)
        self._figures.value = versus_markup(comparison, str(channel.attrs.get("units", "")))

    def _enable(self) -> None:
        of_asset = self.view.info is not None and self.view.info.of_asset  # nothing of theirs can be compared
        self.compare.disabled = of_asset or len(self.grid.marked) != 2


class Labels(ModelSection):
    """True and false positives by channel, where labels exist.

    Attributes
    ----------
    counts : pandas.DataFrame or None
        Table of `workbench.judging.confusion`; None until it has been computed.
    """

    name: ClassVar[str] = "Labels"
    css: ClassVar[str] = "wb-part wb-part-labels"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.counts: pd.DataFrame | None = None
        self._later = Later(self.on_count, 0.05)
        self._grid = Grid("Labels", pick=self.on_pick)
        return [self._grid]

    def show(self) -> None:
        """Count true and false positives where that was not done yet."""
        if self.counts is None:
            if not self._grid.html:  # what was counted before stays until it is counted anew
                self._grid.html = "<p class='wb-note wb-muted'>Comparing the anomalies with the labels</p>"
            self._later()
        self._grid.chosen = self.view.channel

    def forget(self) -> None:
        """Forget the counts, since scores or labels may have changed."""
        self.counts = None

    def table(self) -> pd.DataFrame | None:
        """Return the counts by channel."""
        return self.counts

    def code_lines(self) -> list[str]:
        """Return the lines that count the same."""
        return [
            "from workbench.judging import confusion",
            "confusion(session.archive, session.archive.channels(), session.stored_anomalies)",
        ]

    @callback
    def on_count(self) -> None:
        """Compare the anomalies of the stored scores with the labels."""
        session, names = self.view.session, self.view.fleet["channel"].tolist()
        self.counts = confusion(session.archive, names, session.stored_anomalies)
        self._grid.html = confusion_markup(self.counts, len(names) - len(self.counts))
        self._grid.chosen = self.view.channel

    @callback
    def on_pick(self, channel: str) -> None:
        """Choose the channel of a row."""
        self.view.choose_channel(channel)

    def close(self) -> None:
        """Stop what is due and take the section from the page."""
        self._later.cancel()
        super().close()


def _update_curves(curves: pd.DataFrame, words: str, plot: Any) -> None:
    update_learning_curve(plot, curves, words=words)


def _update_comparison(shown: tuple[Any, ...], plot: Any) -> None:
    update_comparison_figure(plot, *shown)


SECTIONS = (Training, Versions, Labels)
"""The sections, the first of which is open at first."""
