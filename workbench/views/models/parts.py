"""The parts under a chosen model: its training, its channel's versions, and what labels say."""

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.jobs.registry_ui import model_address, registry_address
from workbench.judging import confusion
from workbench.models.curves import CURVES, learning_curves
from workbench.models.versus import STEPS, Versus, versus
from workbench.plots.comparison import comparison_figure, update_comparison_figure
from workbench.plots.learning_curve import learning_curve_figure, update_learning_curve
from workbench.plots.series import is_dated
from workbench.views.models.markup import confusion_markup, facts_markup, versions_markup, versus_markup
from workbench.views.widgets.background import Background
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import Failure, callback
from workbench.views.widgets.cards import progress_card
from workbench.views.widgets.grid import Grid
from workbench.views.widgets.kept_charts import KeptCharts
from workbench.views.widgets.timers import Later

if TYPE_CHECKING:
    from workbench.views.models.view import Models

__all__ = ["PARTS", "Labels", "Part", "Training", "Versions"]

PARTS = ("Training", "Versions", "Labels")
"""Words of the parts, the first of which is open at first."""


class Part(ABC):
    """A part; only the one that is open is shown what is chosen.

    Parameters
    ----------
    view : Models
        Gives session and choice, and shows the errors.

    Attributes
    ----------
    charts : KeptCharts
    widget : ipywidgets.Box
    """

    chart: ClassVar[str] = ""

    def __init__(self, view: "Models") -> None:
        self.view = view
        self.charts = KeptCharts([self.chart] if self.chart else [], view.tokens)
        self.widget = box(f"wb-part wb-part-{type(self).__name__.lower()}", *self.build())

    @abstractmethod
    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""

    @abstractmethod
    def show(self) -> None:
        """Show what is chosen."""

    @abstractmethod
    def code_lines(self) -> list[str]:
        """Give the lines whose last one has what is shown."""

    def table(self) -> pd.DataFrame | None:
        """Give what is exported; None where that is the list of models."""
        return None

    def forget(self) -> None:
        """Forget what was read, as it may be other now."""
        return

    def recolour(self) -> None:
        """Draw again in the view's colours, when it is shown."""
        self.charts.tokens = self.view.tokens
        self.charts.clear()

    @property
    def title(self) -> str:
        """The view's."""
        return self.view.title

    def fail(self, failure: Failure, source: str) -> None:
        """Have the view show the card."""
        self.view.fail(failure, source)

    def mend(self, source: str) -> None:
        """Have the view take the card away."""
        self.view.mend(source)

    def close(self) -> None:
        """Stop what is under way, and forget the charts."""
        self.charts.clear()


class Training(Part):
    """The learning curve of the chosen version, or of the training that runs, with parameters and tags."""

    chart: ClassVar[str] = "Learning curve"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self._facts = classed(widgets.HTML(), "wb-model-facts")
        return [self.charts.boxes[self.chart], self._facts]

    def show(self) -> None:
        """Show curve and facts."""
        info, epochs = self.view.info, self.view.epochs
        if epochs:
            curves = pd.DataFrame(epochs).reindex(columns=["epoch", *CURVES])
            words = "Loss by epoch, as it trains"
        elif info is None:
            curves, words = pd.DataFrame(columns=["epoch", *CURVES]), "No model yet"
        else:
            curves = learning_curves(self.view.session.registry, info)
            words = "Loss by epoch"
        make = partial(learning_curve_figure, curves, words=words, tokens=self.view.tokens)
        self.charts.show(self.chart, make, partial(_update_curves, curves, words))
        self.charts.boxes[self.chart].layout.display = None if len(curves) else "none"
        if info is None:
            self._facts.value = "<p class='wb-note'>Train one: choose how, and press Train again.</p>"
            return
        address = registry_address(self.view.session.settings)
        served = model_address(address, info.name, info.version) if address else ""
        drift = self.view.drift.get(info.id, {})
        none = "" if len(curves) else "<p class='wb-note'>No losses by epoch are kept with this version.</p>"
        self._facts.value = none + facts_markup(info, drift, str(self.view.row().get("stale", "")), served)

    def code_lines(self) -> list[str]:
        """List the models."""
        return ["session.models.list()"]


class Versions(Part):
    """All versions of the channel; two that are marked are compared on the same data.

    Attributes
    ----------
    grid : Grid
    found : Versus or None
        The last comparison.
    """

    chart: ClassVar[str] = "Comparison"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.found: Versus | None = None
        self._work = Background(self.view, "compare", self._tell, self._ended)
        self.grid = Grid("Versions", pick=self.on_pick, mark=self.on_mark)
        self.compare = button("Compare the marked two", "On the same held-out and test data (V)", self.on_compare)
        classed(self.compare, "wb-key-v")
        self._words, self._figures = widgets.HTML(), classed(widgets.HTML(), "wb-versus")
        return [self.grid, box("wb-bar", self.compare, self._words), self.charts.boxes[self.chart], self._figures]

    def show(self) -> None:
        """List the versions; a comparison of another channel goes."""
        versions = self.view.versions()
        ids = [info.id for info in versions]
        self.grid.marked = [model for model in self.grid.marked if model in ids]
        self.grid.html = (
            versions_markup(versions, self.view.session.clock())
            if versions
            else "<p class='wb-note'>No version is registered.</p>"
        )
        self.grid.chosen = self.view.model
        if self.found is not None and {info.id for info in self.found.models} - set(ids):
            self.forget()
        if self.found is not None:
            self._draw(self.found)
        self._enable()

    def forget(self) -> None:
        """Forget the comparison."""
        self._work.stop()
        self.found = None
        self._words.value = self._figures.value = ""
        self.charts.clear()

    def table(self) -> pd.DataFrame | None:
        """Give the figures of the comparison."""
        return None if self.found is None else self.found.figures

    def code_lines(self) -> list[str]:
        """Compare the same two."""
        if self.found is None:
            return [f"session.models.compare({self.view.channel!r})"] if self.view.info else ["session.models.list()"]
        pair = ", ".join(f"session.registry.get({info.name!r}, {info.version})" for info in self.found.models)
        return [
            "from workbench.models.versus import versus",
            f"pair = ({pair})",
            "levels = session.settings.severity",
            "versus(session.archive, session.registry, pair, session.settings.params, levels).figures",
        ]

    @callback
    def on_pick(self, model: str) -> None:
        """Choose a version."""
        self.view.pick(model)

    @callback
    def on_mark(self, _value: str) -> None:
        """Take note of the marks."""
        self._enable()

    @callback
    def on_compare(self, pressed: widgets.Button) -> None:
        """Compare the two that are marked."""
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
        """Stop the comparison."""
        self._work.stop()
        super().close()

    def _tell(self, done: Any) -> None:
        self._words.value = progress_card("Comparing", int(done), STEPS)

    def _ended(self, found: Any) -> None:
        self._words.value = ""
        self.found = found
        if found is not None:
            self._draw(found)

    def _draw(self, found: Versus) -> None:
        channel = self.view.session.channel(found.models[0].channel, "test")
        names = (found.models[0].id, found.models[1].id)
        given = (channel, found.scored, found.anomalies, names)
        make = partial(comparison_figure, *given, tokens=self.view.tokens)
        kind = (names, is_dated(channel))
        self.charts.show(self.chart, make, partial(_update_comparison, given), kind)
        self._figures.value = versus_markup(found, str(channel.attrs.get("units", "")))

    def _enable(self) -> None:
        self.compare.disabled = len(self.grid.marked) != 2


class Labels(Part):
    """True and false positives by channel, where labels exist.

    Attributes
    ----------
    counts : pandas.DataFrame or None
        Of `workbench.judging.confusion`; None until they are counted.
    """

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.counts: pd.DataFrame | None = None
        self._later = Later(self.on_count, 0.05)
        self._grid = Grid("Labels", pick=self.on_pick)
        return [self._grid]

    def show(self) -> None:
        """Count where that was not done yet."""
        if self.counts is None:
            self._grid.html = "<p class='wb-note wb-muted'>Counting</p>"
            self._later()
        self._grid.chosen = self.view.channel

    def forget(self) -> None:
        """Forget the counts."""
        self.counts = None

    def table(self) -> pd.DataFrame | None:
        """Give the counts."""
        return self.counts

    def code_lines(self) -> list[str]:
        """Count the same."""
        return [
            "from workbench.judging import confusion",
            "confusion(session.archive, session.archive.channels(), session.stored_anomalies)",
        ]

    @callback
    def on_count(self) -> None:
        """Count what the stored scores found of the labels."""
        session, names = self.view.session, self.view.fleet["channel"].tolist()
        self.counts = confusion(session.archive, names, session.stored_anomalies)
        self._grid.html = confusion_markup(self.counts, len(names) - len(self.counts))
        self._grid.chosen = self.view.channel

    @callback
    def on_pick(self, channel: str) -> None:
        """Choose a channel."""
        self.view.choose_channel(channel)

    def close(self) -> None:
        """Stop what is due."""
        self._later.cancel()
        super().close()


def _update_curves(curves: pd.DataFrame, words: str, plot: Any) -> None:
    update_learning_curve(plot, curves, words=words)


def _update_comparison(given: tuple[Any, ...], plot: Any) -> None:
    update_comparison_figure(plot, *given)
