"""The session: notebooks, views and the command line do all their work through its methods.

One module because it is one class, the stable API: most of its lines describe parameters, and each method is a few
lines that call the layer below.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd
import xarray as xr

from workbench.counts import counted
from workbench.detection.scoring import anomaly_frame
from workbench.display import Channel, session_html
from workbench.exceptions import ArchiveError, ChannelNotFoundError, ImportDataError
from workbench.paths import local_path
from workbench.scores import Scores
from workbench.settings import Settings, load_settings
from workbench.telemetry.archive import Archive

if TYPE_CHECKING:
    from workbench.alerting import Outcome
    from workbench.detection.evaluation import Evaluation
    from workbench.detection.explanation import Spans
    from workbench.maintenance.desk import Maintenance
    from workbench.models import Registry
    from workbench.models.life import ModelLife
    from workbench.telemetry.catalog import Catalog
    from workbench.telemetry.importers import ImportReport
    from workbench.views.base import View

__all__ = ["Session", "open_session"]


def open_session(folder: Path | str = ".", **overrides: Any) -> "Session":
    """Open a workbench: `wb.open()`, or `with wb.open() as session:`, which closes it at the end.

    Parameters
    ----------
    folder : Path or str
        Folder of `workbench.yaml`.
    **overrides
        Settings that replace those of files and variables, as `home="data/nasa"`.

    Returns
    -------
    Session

    Raises
    ------
    SettingsError
        A setting is wrong; the message names it.
    """
    return Session(load_settings(folder, **overrides))


class Session:
    """An open workbench: archive, models, scores, alerts and views.

    Close it, or open it in a `with` statement. One that is dropped closes its connections when it is collected, at the
    latest when the interpreter ends.

    Parameters
    ----------
    settings : Settings
        Settings of the workbench.
    clock : callable, optional
        Function that returns the present time, with its zone; the system's where omitted.

    Attributes
    ----------
    settings : Settings
        Settings of the workbench.
    archive : Archive
        Telemetry, labels and scores.
    clock : callable
        Function that returns the present time, with its zone.
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime] | None = None) -> None:
        self.settings = settings
        self.archive = Archive(settings.archive_path)
        self.clock = clock or partial(datetime.now, UTC)

    @cached_property
    def catalog(self) -> "Catalog":
        """Assets and channels with units and limits."""
        from workbench.telemetry.catalog import Catalog

        return Catalog.load(self.settings.catalog)

    @cached_property
    def registry(self) -> "Registry":
        """Registry of the trained models."""
        from workbench.models import Registry

        return Registry(self.settings.registry_path, self.settings.tracking_uri, self.settings.model_cache_bytes)

    @cached_property
    def models(self) -> "ModelLife":
        """List, compare, promote and roll back the trained models, and look for drift."""
        from workbench.models.life import ModelLife

        return ModelLife(self.archive, self.registry, self.settings.drift, self.clock)

    @cached_property
    def maintenance(self) -> "Maintenance":
        """Alerts, work orders, people, parts, plans and the maintenance log."""
        from workbench.alerting import open_desk

        return open_desk(self.settings, self.clock, self.catalog)

    @cached_property
    def _scores(self) -> Scores:
        return Scores(self.settings, self.archive, self.registry, self.clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        """Say where the session is and what it holds."""
        return f"Session({str(self.settings.home)!r}, {counted(len(self.archive.channels()), 'channel')})"

    def _repr_html_(self) -> str:
        return session_html(self.settings, self.overview())

    def check_settings(
        self, *, forecaster: str | None = None, preset: str | None = None, database: bool = False
    ) -> None:
        """Check settings and catalog against the archive, before work that takes long.

        Parameters
        ----------
        forecaster, preset : str, optional
            Names that the work is to use.
        database : bool
            Open the maintenance database, too, and look for the parts that templates need.

        Raises
        ------
        CatalogError
            The catalog cannot be read, is wrong, or has limits of a channel that the archive does not hold.
        SettingsError, ForecasterError
            A setting or a name does not exist, or cannot be used.
        MaintenanceError
            The maintenance database cannot be used.
        """
        from workbench.settings_check import check_forecaster, check_parts, check_preset, check_settings

        check_forecaster(forecaster)
        check_preset(self.settings, preset)
        check_settings(self.settings, self.catalog, self.archive)
        if database:
            check_parts(self.settings.orders, set(self.maintenance.parts.list()["name"]))

    def close(self) -> None:
        """Close the connections to the databases of models and of maintenance, and forget the loaded models.

        Closing again does nothing. A closed session can still be used: it opens the connections that it needs again.
        """
        for name in ("registry", "maintenance"):
            if name in vars(self):  # a cached property that was used
                getattr(self, name).close()

    # ---- telemetry

    def channels(self) -> pd.DataFrame:
        """List the channels of the archive.

        Returns
        -------
        pandas.DataFrame
            Indexed by channel: asset, subsystem, units, n_train, n_test, n_commands,
            labelled (bool), source, and damage: what is wrong with a channel that cannot be read, empty for
            all others.
        """
        columns = ["channel", "asset", "subsystem", "units", "n_train", "n_test", "n_commands", "labelled", "source"]
        described, damaged = self.archive.infos()
        by_name = {info.channel: info for info in described}
        rows: list[list[Any]] = []
        for name in self.archive.channels():
            if name in by_name:
                rows.append([*(getattr(by_name[name], column) for column in columns), ""])
            elif name in damaged:
                rows.append([name, *self.archive.asset_of(name), "", 0, 0, 0, False, "", str(damaged[name])])
        table = pd.DataFrame(rows, columns=[*columns, "damage"]).set_index("channel")
        return table.astype({"labelled": "bool"})

    def channel(self, name: str, split: str = "test") -> Channel:
        """Open one split of a channel; samples are read when they are used.

        Parameters
        ----------
        name : str
            Name of the channel.
        split : {"test", "train"}
            Split to open.

        Returns
        -------
        xarray.Dataset
            The samples, with the variables and attributes of every channel.

        Raises
        ------
        ChannelNotFoundError
            The archive does not hold the channel.
        """
        series = self.archive.open(name, split)
        return Channel(series.data_vars, series.coords, series.attrs)

    def fleet(self) -> xr.DataTree:
        """Open all channels as one tree, lazily."""
        return self.archive.tree()

    def import_data(self, path: Path | str, layout: str, *, progress: bool = False, **options: Any) -> "ImportReport":
        """Bring telemetry into the archive; `nasa` also registers the shipped models of its channels.

        Parameters
        ----------
        path : Path or str
            File or folder to import.
        layout : str
            Layout of the data, one of `IMPORTERS`.
        progress : bool
            Show a bar.
        **options
            Options of the importer.

        Returns
        -------
        ImportReport
        """
        from workbench.models.shipped import install_shipped
        from workbench.telemetry.importers import IMPORTERS

        if layout not in IMPORTERS:
            raise ImportDataError(f"There is no layout {layout!r}.", f"Known: {', '.join(IMPORTERS)}.")
        report = IMPORTERS[layout](local_path("path", path), self.archive, progress=progress, **options)
        if layout != "nasa":
            return report
        return replace(report, models=install_shipped(self.archive, self.registry, progress=progress))

    def import_demo(self, *, progress: bool = False) -> list[str]:
        """Generate the demo fleet from the session's seed; channels that exist already stay as they are.

        Parameters
        ----------
        progress : bool
            Show a bar.

        Returns
        -------
        list of str
            Names of the channels of the demo fleet.
        """
        from workbench.telemetry.synthetic import import_demo

        return import_demo(self.archive, self.settings.seed, progress=progress)

    def quality(self, channels: Iterable[str] | None = None, *, progress: bool = False) -> xr.Dataset:
        """Measure the quality of the telemetry.

        Parameters
        ----------
        channels : iterable of str, optional
            Names of the channels; all where omitted.
        progress : bool
            Show a bar.

        Returns
        -------
        xarray.Dataset
            One entry a channel, dim `channel`; see `workbench.telemetry.quality.quality_report`.
        """
        from workbench.telemetry.quality import quality_report

        return quality_report(self.archive, self.channel_names(channels), progress=progress)

    # ---- models

    def train(
        self,
        channels: str | Iterable[str] | None = None,
        forecaster: str = "ridge",
        *,
        force: bool = False,
        progress: bool = False,
        **parameters: Any,
    ) -> pd.DataFrame:
        """Train and register a forecaster per channel; a current version is not trained again.

        Parameters
        ----------
        channels : str or iterable of str, optional
            Names of the channels; all where omitted.
        forecaster : str
            Forecaster to train, one of `workbench.detection.forecasters.FORECASTERS`.
        force, progress : bool
            Train again where a version is current; show a bar.
        **parameters
            Hyperparameters of the forecaster, as `epochs=5`; its windows are those of the preset in use where omitted.

        Returns
        -------
        pandas.DataFrame
            One row a channel: status (trained, current, failed), model, seconds, reason and metrics.
        """
        from workbench.models.training import train_channels

        self.check_settings(forecaster=forecaster)
        where = (self.archive, self.registry, self.channel_names(channels))
        how = partial(train_channels, seed=self.settings.seed, workers=self.settings.workers)
        return how(
            *where, forecaster, parameters=self.settings.params.windows | parameters, force=force, progress=progress
        )

    # ---- scores

    def score(
        self, channel: str, forecaster: str | None = None, preset: str | None = None, *, force: bool = False
    ) -> xr.Dataset:
        """Score a channel's test series, or return the stored score where it is current.

        Parameters
        ----------
        channel : str
            Name of the channel.
        forecaster, preset : str, optional
            Forecaster whose champion predicts, and detection preset; the channel's champion and the preset in use where
            omitted.
        force : bool
            Compute the score again where it is current.

        Returns
        -------
        xarray.Dataset
            `prediction`, `prediction_error`, `smoothed_error`, `epsilon` over the judged samples; attribute
            `model` names model and version.

        Raises
        ------
        ChannelNotFoundError
            The archive does not hold the channel.
        ModelNotFoundError
            No trained model predicts the channel.
        DetectionError
            The series is too short or holds NaN.
        """
        return self._scores.score(channel, forecaster, preset, force=force)[0]

    def anomalies(self, channel: str, forecaster: str | None = None, preset: str | None = None) -> pd.DataFrame:
        """Return the anomaly sequences of a channel, after scoring it where the stored score is not current.

        Parameters
        ----------
        channel : str
            Name of the channel.
        forecaster, preset : str, optional
            As for `score`.

        Returns
        -------
        pandas.DataFrame
            int `start`, `end` (samples of the test series, both inclusive), float `severity`, str `level`.
        """
        return anomaly_frame(self.score(channel, forecaster, preset).attrs, self.settings.severity)

    def raise_alerts(self, channels: Iterable[str] | None = None) -> "Outcome":
        """Raise alerts for stored anomalies and exceeded limits, and open work orders by rule.

        Calling it again with the same scores changes nothing.

        Parameters
        ----------
        channels : iterable of str, optional
            Names of the channels; all where omitted.

        Returns
        -------
        Outcome
            Alerts that were raised, orders that were opened, and channels that could not be read.
        """
        from workbench.alerting import raise_alerts

        names = self.channel_names(channels)
        levels = self.settings.severity
        check = self._scores.check_series
        return raise_alerts(self.maintenance, self.catalog, names, self.channel, self.stored, levels, check)

    def explain(
        self, channel: str, forecaster: str | None = None, preset: str | None = None, *, clearing: "Spans | None" = None
    ) -> pd.DataFrame:
        """Explain the anomalies of a channel.

        Parameters
        ----------
        channel : str
            Name of the channel.
        forecaster, preset : str, optional
            As for `score`.
        clearing : collection of (int, int), optional
            Starts and ends of the anomalies for which the explanation says what threshold would clear them; all where
            omitted.

        Returns
        -------
        pandas.DataFrame
            One row an anomaly; see `workbench.detection.explanation.explain`.
        """
        from workbench.detection.explanation import explain

        name, params = self._scores.params(preset)
        scored = self.score(channel, forecaster, preset)
        return explain(self.archive.open(channel), scored, params, name, self.settings.severity, clearing)

    def score_all(
        self,
        channels: Iterable[str] | None = None,
        forecaster: str | None = None,
        preset: str | None = None,
        *,
        force: bool = False,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Score many channels; one that fails does not stop the others.

        Parameters
        ----------
        channels : iterable of str, optional
            Names of the channels; all where omitted.
        forecaster, preset : str, optional
            As for `score`.
        force : bool
            Compute scores again where they are current.
        progress : bool
            Show a bar.

        Returns
        -------
        pandas.DataFrame
            One row a channel: channel, status (scored, current, failed), model, seconds, anomalies (the table),
            reason.
        """
        self.check_settings(forecaster=forecaster, preset=preset)
        names = self.channel_names(channels)
        return self._scores.table(names, forecaster, preset, force=force, progress=progress)

    def overview(self) -> pd.DataFrame:
        """Return the state of every channel from the stored scores; nothing is computed.

        Returns
        -------
        pandas.DataFrame
            `workbench.scores.OVERVIEW_COLUMNS`, one row a channel. `state` is current, stale (see `reason`) or
            missing; severity is the worst score, NaN without anomalies; flagged is the share of samples inside
            anomalies.
        """
        return self._scores.overview()

    def stored(self, channel: str) -> xr.Dataset | None:
        """Open the stored score that `overview` describes, current or stale; nothing is computed.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        xarray.Dataset or None
            Score as `score` returns it; None where the channel is not scored. `stored_anomalies` returns its table.
        """
        return self._scores.stored(channel)

    def stored_anomalies(self, channel: str) -> pd.DataFrame | None:
        """Return the anomalies of the stored score; nothing is computed.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        pandas.DataFrame or None
            Table as `anomalies` returns it; None where the channel is not scored.
        """
        scored = self.stored(channel)
        return None if scored is None else anomaly_frame(scored.attrs, self.settings.severity)

    def evaluate(
        self,
        labels: Path | str | Mapping[str, pd.DataFrame] | None = None,
        forecaster: str | None = None,
        preset: str | None = None,
        *,
        progress: bool = False,
    ) -> "Evaluation":
        """Judge stored scores against labels; channels that are not scored yet are scored first.

        Parameters
        ----------
        labels : Path, str or mapping, optional
            Telemanom's CSV, or a label table per channel; the archive's own where omitted.
        forecaster, preset : str, optional
            As for `score`.
        progress : bool
            Show a bar.

        Returns
        -------
        Evaluation
        """
        from workbench.judging import find_labels, judge_scores

        self.check_settings(forecaster=forecaster, preset=preset)
        truth = find_labels(self.archive, self.channel_names(), labels)
        table = self.score_all(truth, forecaster, preset, progress=progress)
        return judge_scores(
            self.archive, truth, table, partial(self._scores.persistence, preset=preset, forecaster=forecaster)
        )

    # ---- views

    def view(self, name: str, *, theme: str = "light", **state: object) -> "View":
        """Open a view, which a notebook shows: `session.view("anomalies", channel="P-1", from_=2000)`.

        Parameters
        ----------
        name, theme : str
            Name of the view, and "light" or "dark".
        **state
            State of the view, as in its address; `from` is written `from_`.

        Returns
        -------
        View
        """
        from workbench.views.registry import open_view

        return open_view(self, name, {key.removesuffix("_"): value for key, value in state.items()}, theme=theme)

    # ---- internals

    def channel_names(self, channels: str | Iterable[str] | None = None) -> list[str]:
        """Return the names of channels, after checking that the archive holds them, damaged or not.

        Parameters
        ----------
        channels : str or iterable of str, optional
            Names to check; all of the archive where omitted.

        Returns
        -------
        list of str
            The checked names.

        Raises
        ------
        ChannelNotFoundError
            A name is not in the archive, or the archive is empty.
        """
        archived = self.archive.channels()
        if channels is None:
            if not archived:
                raise ChannelNotFoundError(
                    f"The archive {self.archive.path} is empty.", "Run: workbench run, or workbench import PATH."
                )
            return archived
        names = [channels] if isinstance(channels, str) else list(channels)
        for name in names:
            with suppress(ArchiveError):  # a damaged channel: the work on it raises the error
                self.archive.info(name)
        return names
