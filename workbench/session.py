"""The session: notebooks, views and the command line do all their work through its methods.

One module because it is one class, the stable API: most of its lines describe parameters, and each method is a few
lines that call the layer below.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import xarray as xr

from workbench.counts import counted
from workbench.detection.scoring import anomaly_frame, whole_words
from workbench.display import Channel, session_html
from workbench.exceptions import ArchiveError, ChannelNotFoundError, ImportDataError, LabelError, SettingsError
from workbench.home import check_folder, open_home
from workbench.paths import local_path
from workbench.scores import Scores
from workbench.settings import Settings, load_settings
from workbench.telemetry.archive import Archive

if TYPE_CHECKING:
    from workbench.alerting import Outcome
    from workbench.assets.fleet import Assets
    from workbench.detection.evaluation import Evaluation
    from workbench.detection.evaluation.metrics import MetricChoice
    from workbench.detection.explanation import Spans
    from workbench.maintenance.desk import Maintenance
    from workbench.models import Registry
    from workbench.models.life import ModelLife
    from workbench.telemetry.catalog import Catalog
    from workbench.telemetry.importers import ImportReport
    from workbench.telemetry.importers.splitting import ChannelSplit
    from workbench.telemetry.previews.preview import Preview
    from workbench.tuning.result import Tuning
    from workbench.views.base import View

__all__ = ["Session", "open_session"]

_LOG = logging.getLogger(__name__)


def open_session(
    folder: Path | str = ".", *, clock: Callable[[], datetime] | None = None, **overrides: Any
) -> "Session":
    """Open a workbench: `wb.open()`, or `with wb.open() as session:`, which closes it at the end.

    Parameters
    ----------
    folder : Path or str
        Folder of `workbench.yaml`.
    clock : callable, optional
        Function that returns the present time, with its zone; the system's where omitted. With a clock of your own,
        a year of maintenance can be lived through in a test.
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
    return Session(load_settings(folder, **overrides), clock)


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
        check_folder(settings.home)
        open_home(settings.home, settings.home_id)
        self.archive = Archive(settings.archive_path, settings.index_url)
        with suppress(ArchiveError):  # whatever reads the index says so
            misplaced = self.archive.misplaced_index()
            if misplaced is not None:
                _LOG.warning("%s", misplaced)
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

        return open_desk(self.settings, self.clock, self.catalog, self.archive)

    def watched(self) -> pd.DataFrame:
        """Return when the assets of the archive were watched: when a failure of theirs would have been recorded.

        Returns
        -------
        pandas.DataFrame
            asset, start, end (UTC); spans of an asset may overlap. An asset was watched while any dated test series
            of it lasts, and since the maintenance log began, but not before its first dated sample, or before it came
            into service where the register says when that was: older samples may have been removed since.
        """
        from workbench.maintenance.kpis.failures import records_began

        assets = list(dict.fromkeys(asset for asset, _ in self.archive.places()))
        rows: list[tuple[str, Any, Any]] = [
            (asset, pd.Timestamp(start, tz="UTC"), pd.Timestamp(end, tz="UTC"))
            for asset, start, end in _united(self.archive.dated_spans())
        ]
        first: dict[str, Any] = {}
        for asset, start, _ in rows:
            first[asset] = min(start, first.get(asset, start))
        first |= {
            asset: min(first.get(asset, at), at)
            for asset, at in _in_service_from(self.maintenance, set(assets)).items()
        }
        began, present = records_began(self.maintenance.database), self.clock()
        if began is not None:
            rows += [(asset, max(began, first.get(asset, began)), present) for asset in assets]
        spans = pd.DataFrame(rows, columns=["asset", "start", "end"])
        return spans.astype(dict.fromkeys(("start", "end"), "datetime64[us, UTC]"))

    @cached_property
    def assets(self) -> "Assets":
        """Train, score, list and explain whole assets: how their channels move together."""
        from workbench.assets.fleet import Assets

        return Assets(self.settings, self.archive, self.registry, self.clock)

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
        for name in ("registry", "maintenance", "models"):
            if name in vars(self):  # a cached property that was used
                getattr(self, name).close()
        self.archive.close()

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
        gap = {} if self.settings.max_gap_seconds is None else {"max_gap_seconds": self.settings.max_gap_seconds}
        return Channel(series.data_vars, series.coords, series.attrs | gap)

    def fleet(self) -> xr.DataTree:
        """Open all channels as one tree, lazily."""
        return self.archive.tree()

    def import_data(
        self,
        path: Path | str | Iterable[Path | str],
        layout: str | None = None,
        *,
        profile: str | None = None,
        progress: bool = False,
        **options: Any,
    ) -> "ImportReport":
        """Bring telemetry into the archive; `nasa` also registers the shipped models of its channels.

        Samples of a channel that is there are added to it, equal ones are skipped, and files that contradict it are
        refused; see `workbench.telemetry.importers.table.import_table`.

        Parameters
        ----------
        path : Path, str or iterable of them
            Files, folders and patterns to import.
        layout : str, optional
            Layout of the data, one of `IMPORTERS`; by the ending of each name where omitted.
        profile : str, optional
            Saved options of how files are read; those in `options` win over them.
        progress : bool
            Show a bar.
        **options
            Options of the importer, as `asset`, `train_until`, `on_conflict="keep"` or `replace=True`.

        Returns
        -------
        ImportReport
            Of several files those that were refused stand in `failures`.

        Raises
        ------
        ImportDataError
            The only file cannot be imported, or an option does not go with the layout.
        """
        from workbench.telemetry.importers import ImportReport

        options = self._with_profile(profile, options)
        paths, sources = self._import_sources(path, layout)
        nasa = sources.pop("nasa", [])
        reports = self._import_nasa(nasa, single=len(paths) == 1, progress=progress, **options)
        tables = [table for files in sources.values() for table in files]
        if tables:
            from workbench.telemetry.importers import import_table

            where = tables if nasa else paths  # folders say what their files are
            options["vanished"] = self.vanished()
            reports.append(import_table(where, self.archive, layout=layout, progress=progress, **options))
        return ImportReport.joined(reports)

    def preview(
        self,
        path: Path | str | Iterable[Path | str],
        layout: str | None = None,
        *,
        profile: str | None = None,
        **options: Any,
    ) -> "Preview":
        """Return what `import_data` would make of tables, and write nothing; of large files excerpts are read.

        Parameters
        ----------
        path, layout, profile, **options
            As for `import_data`.

        Returns
        -------
        Preview
            `columns` says what each column becomes, `assumed` what was assumed, `outcome` what the import would do.

        Raises
        ------
        ImportDataError
            No file can be read as a table, or they are in NASA's layout.
        """
        from workbench.telemetry.appending import time_text
        from workbench.telemetry.importers import import_table
        from workbench.telemetry.previews.preview import Preview

        paths, sources = self._import_sources(path, layout)
        if "nasa" in sources:
            raise ImportDataError(
                f"{sources['nasa'][0]} is in NASA's layout, which has no preview.",
                "Pass the layout csv where it is a table, or import it.",
            )
        options = self._with_profile(profile, options) | {"vanished": self.vanished(), "dry_run": True}
        report = import_table(paths, self.archive, layout=layout, **options)
        names = {row.channel for row in report.channels} & set(self.archive.channels())
        dates = self.archive.all_dates(sorted(names))
        return Preview(
            report, {name: time_text(end.tz_localize(None).to_datetime64()) for name, (_, end) in dates.items()}
        )

    def _with_profile(self, profile: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
        from workbench.telemetry.import_profiles import profile_options

        return {**(profile_options(self.settings.home, profile) if profile else {}), **options}

    def _import_sources(
        self, path: Path | str | Iterable[Path | str], layout: str | None
    ) -> tuple[list[Path], dict[str, list[Path]]]:
        """Return the paths of an import, and the files and folders that they stand for by layout."""
        from workbench.telemetry.importers import IMPORTERS
        from workbench.telemetry.importers.sources import find_sources

        if layout is not None and layout not in IMPORTERS:
            raise ImportDataError(f"There is no layout {layout!r}.", f"Known: {', '.join(IMPORTERS)}.")
        paths = [local_path("path", one) for one in ([path] if isinstance(path, Path | str) else path)]
        sources = find_sources(paths, layout)
        if not sources:
            raise ImportDataError("There is nothing to import.", "Give files, folders or patterns.")
        return paths, sources

    def _import_nasa(
        self, paths: Iterable[Path], *, single: bool, progress: bool, **options: Any
    ) -> "list[ImportReport]":
        from workbench.models.shipped import install_shipped
        from workbench.telemetry.importers import ImportReport, import_nasa

        reports = []
        for path in paths:
            unknown = next((name for name in options if name != "replace"), None)
            try:
                if unknown is not None and not path.exists():
                    raise ImportDataError(f"{path} does not exist.", "Check the name and the folder.")
                if unknown is not None:
                    raise ImportDataError(
                        f"{path} is no table by its name, and {unknown} does not go with the layout nasa.",
                        "Pass --layout csv where it is a table, or leave the option out.",
                    )
                report = import_nasa(path, self.archive, progress=progress, **options)
                reports.append(replace(report, models=install_shipped(self.archive, self.registry, progress=progress)))
            except (ImportDataError, LabelError) as error:
                if single:
                    raise
                reports.append(ImportReport("nasa", path, (), failures={str(path): str(error)}))
        return reports

    def vanished(self) -> dict[str, str]:
        """Return the channels that the archive does not hold though models or open alerts of the home know them.

        Returns
        -------
        dict of str to str
            What knows each of them, as "1 model and 2 open alerts".
        """
        from workbench.maintenance.alerts.table import LIVE_ASSET
        from workbench.telemetry.vanished import vanished_channels

        known: dict[str, list[str]] = {}
        models = [] if self.settings.tracking_uri else self.registry.list()  # others share a server's registry
        known["model"] = [model.channel for model in models if not model.retired]
        if self.settings.database_url is None and self._has_desk():
            alerts = self.maintenance.alerts.list(state="open", limit=None)
            of_others = (alerts["kind"] == "asset") & alerts["channel"].isin(self.assets.names())
            of_others |= (alerts["kind"] == "silence") & (alerts["asset"] == LIVE_ASSET)
            known["open alert"] = list(alerts.loc[~of_others, "channel"])
        return vanished_channels(self.archive.channels(), known)

    def remove_channels(
        self,
        channels: str | Iterable[str] | None = None,
        *,
        asset: str | None = None,
        who: str = "workbench",
        dry_run: bool = False,
    ) -> pd.DataFrame:
        """Remove channels from the archive, with their samples, labels and scores; they can be imported again.

        The versions of their models are retired; training on the same data takes them back. Their open alerts are
        closed, with the reason in the maintenance log. Work orders and the log are kept. Models of a tracking server
        that others share stay as they are.

        Parameters
        ----------
        channels : str or iterable of str, optional
            Names of the channels, damaged or not; all of them are removed, or none.
        asset : str, optional
            Asset whose channels are all removed, in place of names.
        who : str
            Person or program that does it, for the maintenance log.
        dry_run : bool
            Only return what would be removed.

        Returns
        -------
        pandas.DataFrame
            One row a channel: `channel`, `asset`, `samples`, `labels` and `scores` that are discarded for good,
            versions of `models` that are retired, and open `alerts` that are closed.

        Raises
        ------
        ChannelNotFoundError
            The archive holds no such channel or asset; none is removed.
        ArchiveError, ModelError, MaintenanceError
            Something cannot be written; removing the channels again goes on where it stopped.
        """
        from workbench.removal import channels_to_remove, describe_removal, remove_channels

        requested = [channels] if isinstance(channels, str) else None if channels is None else list(channels)
        names = channels_to_remove(self.archive, requested, asset, self.vanished())
        registry = None if self.settings.tracking_uri else self.registry
        desk = self.maintenance if self._has_desk() else None
        if dry_run:
            return describe_removal(self.archive, registry, desk, names)
        return remove_channels(self.archive, registry, desk, names, who)

    def _has_desk(self) -> bool:
        """Tell whether there is a maintenance database; looking into it would make one."""
        return self.settings.database_url is not None or (self.settings.home / "maintenance.db").exists()

    def split(
        self,
        channels: str | Iterable[str],
        train_until: str,
        *,
        train_from: str | None = None,
        timezone: str | None = None,
    ) -> pd.DataFrame:
        """Choose anew what the models of channels learn from; all samples after it are the test series.

        Parameters
        ----------
        channels : str or iterable of str
            Names of the channels; all of them are split, or none.
        train_until : str
            Last time to learn from, or the number of a sample since the channel began where it has no times.
        train_from : str, optional
            First time to learn from; the beginning where omitted. Samples before it stay stored, but are neither
            learned from nor scored.
        timezone : str, optional
            Zone of times that carry none; UTC where omitted.

        Returns
        -------
        pandas.DataFrame
            One row a channel: `channel`, `status` (split or unchanged), `n_before`, `n_train`, `n_test`, and what is
            stale now, joined by commas: `stale_models` and `stale_scores`.

        Raises
        ------
        ChannelNotFoundError
            The archive does not hold a channel.
        ImportDataError
            The span is no time, or leaves the training or the test series of a channel empty.
        ArchiveError
            A channel is damaged.
        """
        from workbench.telemetry.importers.splitting import split_channels

        names = self.channel_names(channels)
        splits = split_channels(self.archive, names, start=train_from, end=train_until, timezone=timezone)
        rows = []
        for one in splits:
            models, scores = self._made_stale(one) if one.changed else ([], [])
            status = "split" if one.changed else "unchanged"
            row = [one.channel, status, one.n_before, one.n_train, one.n_test, ", ".join(models), ", ".join(scores)]
            rows.append(row)
        columns = ["channel", "status", "n_before", "n_train", "n_test", "stale_models", "stale_scores"]
        return pd.DataFrame(rows, columns=columns)

    def _made_stale(self, split: "ChannelSplit") -> tuple[list[str], list[str]]:
        """Return the models and the scores of a channel that were current until it was split anew."""
        from workbench.models.listing import model_ids

        (old_train, old_test), (new_train, new_test) = split.old_hashes, split.new_hashes
        models = [
            info.id
            for info in self.registry.list(split.channel)
            if info.train_hash == old_train != new_train and not info.retired
        ]
        scores = [
            key
            for key, attributes in self.archive.scores(split.channel).items()
            if (attributes.get("data_hash") == old_test != new_test)
            or (attributes.get("train_hash") == old_train != new_train)
            or set(model_ids(str(attributes.get("model", "")))) & set(models)
        ]
        return models, scores

    def import_demo(self, *, progress: bool = False, end: datetime | None = None) -> list[str]:
        """Generate the demo fleet from the session's seed; channels that exist already stay as they are.

        Parameters
        ----------
        progress : bool
            Show a bar.
        end : datetime.datetime, optional
            When its series end, aware, to the minute; its machines then go on behind it (`workbench run`). A fixed
            day, behind which nothing comes, where omitted: the telemetry is then the same whenever it is made.

        Returns
        -------
        list of str
            Names of the channels of the demo fleet.
        """
        from workbench.telemetry.synthetic import import_demo

        last = None if end is None else np.datetime64(end.astimezone(UTC).replace(tzinfo=None), "m").astype("M8[ns]")
        return import_demo(self.archive, self.settings.seed, progress, last)

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
            Hyperparameters of the forecaster, as `epochs=5` or `sequence_length=120`. Its windows are those of the
            preset in use where omitted, or shorter ones where a channel has little telemetry: a window is at most a
            tenth of the training telemetry.

        Returns
        -------
        pandas.DataFrame
            One row a channel: status (trained, current, failed), model, seconds, reason and metrics.
        """
        from workbench.models.training import train_channels

        self.check_settings(forecaster=forecaster)
        where = (self.archive, self.registry, self.channel_names(channels))
        params, windows = self.settings.params, self.settings.params.windows
        how = partial(train_channels, seed=self.settings.seed, compute=self.settings.place)
        how = partial(how, max_gap_seconds=params.max_gap_seconds)
        return how(*where, forecaster, parameters=parameters, windows=windows, force=force, progress=progress)

    def train_asset(
        self,
        assets: str | Iterable[str] | None = None,
        *,
        force: bool = False,
        progress: bool = False,
        **parameters: Any,
    ) -> pd.DataFrame:
        """Train and register how the channels of an asset move together; a current version is not trained again.

        A new version becomes champion: versions of other data cannot be compared.

        Parameters
        ----------
        assets : str or iterable of str, optional
            Names of the assets; all that have two channels or more where omitted.
        force, progress : bool
            Train again where a version is current; show a bar.
        **parameters
            Those of `workbench.detection.asset.AssetPCA.defaults` that are to be others, as `lags=0`.

        Returns
        -------
        pandas.DataFrame
            One row an asset: asset, status (trained, current, failed), model, alias, seconds, reason and metrics. One
            that fails does not stop the others, and a channel that cannot be read is left out, as `reason` says.
        """
        return self.assets.train(assets, force=force, progress=progress, **parameters)

    def set_growing(self, channels: str | Iterable[str], grows: bool = True) -> None:
        """Say whether more samples of channels are to come, so that their last anomalies are provisional.

        Of a channel that grows, only complete error windows raise alerts; a series that has ended is judged to its end.

        Parameters
        ----------
        channels : str or iterable of str
            Names of the channels.
        grows : bool
            Whether more samples are to come.

        Raises
        ------
        ChannelNotFoundError
            The archive does not hold a channel; none is changed then.
        """
        self.archive.set_growing(self.channel_names(channels), grows)

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

    def score_asset(self, asset: str, *, force: bool = False) -> xr.Dataset:
        """Score an asset as a whole, or return the stored score where it is current.

        Parameters
        ----------
        asset : str
            Name of the asset.
        force : bool
            Compute the score again where it is current.

        Returns
        -------
        xarray.Dataset
            `t_squared` and `q`: how far the channels moved together and apart, in times of the bound; attribute
            `model` names model and version. See `workbench.detection.asset.scoring.score_asset`.

        Raises
        ------
        ChannelNotFoundError
            The archive holds no channel of the asset.
        ModelNotFoundError
            It has no trained model.
        DetectionError
            Fewer than two of its channels can be read, or they have no common kind of time.
        """
        return self.assets.score(asset, force=force)[0]

    def explain_asset(self, asset: str) -> pd.DataFrame:
        """Explain the anomalies of an asset, after scoring it where the stored score is not current.

        Parameters
        ----------
        asset : str
            Name of the asset.

        Returns
        -------
        pandas.DataFrame
            `workbench.assets.fleet.EXPLANATION_COLUMNS`, one row an anomaly: `statistic` is `t_squared` where the
            channels moved together further than in training, `q` where they moved apart; `distance`, `bound` and
            `record` (the largest in training) are in standard deviations; `contributions` is a dict of channels and
            their shares, largest first, `channels` the first of them as text.
        """
        return self.assets.explain(asset)

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
            int `start`, `end` (samples of the test series, both inclusive), float `severity`, str `level`, bool
            `provisional`, which is true only of channels that grow: the anomaly may vanish again; `found_by`
            (forecast, envelope or both) and `words`, what the envelope found in plain words.
        """
        return self._anomalies(channel, self.score(channel, forecaster, preset))

    def raise_alerts(self, channels: Iterable[str] | None = None, assets: Iterable[str] | None = None) -> "Outcome":
        """Raise alerts for stored anomalies and exceeded limits, and open work orders by rule.

        Calling it again with the same scores changes nothing.

        Parameters
        ----------
        channels : iterable of str, optional
            Names of the channels; all where omitted.
        assets : iterable of str, optional
            Assets whose score as a whole is looked at, too; where omitted all, or none where channels are named.

        Returns
        -------
        Outcome
            Alerts that were raised, orders that were opened, and channels that could not be read.
        """
        from workbench.alerting import ExaminedBefore, raise_alerts

        names = self.channel_names(channels)
        if assets is not None:
            assets = list(assets)
            names = self._with_known_events(names, assets)
        levels = self.settings.severity
        models = self._scores.listed(names, None)

        def conditions(name: str) -> list[Any]:
            champions = sorted(info.id for info in models[name] if "champion" in info.aliases)
            limits = self.catalog.channel(name).limits.model_dump()
            settings = [one.model_dump() for one in (levels, self.maintenance.alerts.options)]
            return [champions, limits, settings, self.settings.preset]

        if assets is None:
            assets = self.assets.with_model() if channels is None else ()
        return raise_alerts(
            self.maintenance,
            self.catalog,
            names,
            self.channel,
            lambda name: self._scores.stored(name, models[name]),
            levels,
            self._scores.check_series,
            ExaminedBefore(self.archive, names, conditions),
            {key: partial(self.assets.findings, key, self.catalog.asset(key).name) for key in assets},
            self._scored_channels,
        )

    def _with_known_events(self, names: list[str], assets: Sequence[str]) -> list[str]:
        """Add all channels of the assets on which known events are: what these explain, an asset is not alerted for."""
        known = self.maintenance.known.recogniser().events if assets else {}
        own = [info for info in (self.archive.infos()[0] if known else ()) if info.asset in set(assets)]
        moved = {info.asset for info in own if info.channel in known}
        return list(dict.fromkeys([*names, *(info.channel for info in own if info.asset in moved)]))

    def run_timers(self) -> tuple[str, ...]:
        """Do what time alone asks of maintenance: shelves and outages end, due preventive orders open, messages go out.

        The dashboard and `workbench watch` call it again and again. Nothing happens before maintenance is first used.

        Returns
        -------
        tuple of str
            Numbers of the preventive orders that were opened.
        """
        from workbench.alerting import open_due_orders

        if not self._has_desk():
            return ()
        opened = open_due_orders(self.maintenance, self._scored_channels)
        self.maintenance.send_messages()
        return opened

    def _scored_channels(self) -> dict[str, int]:
        """Return the number of scored channels of each asset."""
        scored = self.overview().query("state in ['current', 'stale']").groupby("asset").size()
        return {str(asset): int(count) for asset, count in scored.items()}

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
        test = self.archive.open(channel, indexed=False)
        train = self.archive.open(channel, "train")
        return explain(test, scored, params, name, self.settings.severity, clearing, train)

    def known_events(self, channel: str, anomalies: pd.DataFrame, scored: xr.Dataset) -> list[str]:
        """Return as which known event each anomaly of a channel is recognised, in a sentence; empty where it is none.

        Parameters
        ----------
        channel : str
            Name of the channel.
        anomalies : pandas.DataFrame
            start, end, severity, level, found_by and words, as `anomalies` and `explain` return them.
        scored : xarray.Dataset
            The score in which they are.

        Returns
        -------
        list of str
            One an anomaly, in the same order.
        """
        from workbench.maintenance.alerts.findings import anomaly_findings

        recogniser = self.maintenance.alerts.known.recogniser()
        if channel not in recogniser.events or anomalies.empty:
            return [""] * len(anomalies)
        test = self.archive.open(channel, indexed=False)
        findings = anomaly_findings(test, scored, anomalies.drop(columns="provisional", errors="ignore"))
        recognised = recogniser.recognise(test, findings)
        return ["" if finding.known is None else str(finding.known) for finding in recognised]

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
        from workbench.fleet_scores import score_fleet

        self.check_settings(forecaster=forecaster, preset=preset)
        names = self.channel_names(channels)
        return score_fleet(self._scores, names, forecaster, preset, force=force, progress=progress)

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
            Score as `score` returns it; None where the channel is not scored, or holds no sample that was. One that is
            stale lies at the rows that its samples have now. `stored_anomalies` returns its table.
        """
        return self._scores.shown(channel)

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
        return None if scored is None else self._anomalies(channel, scored)

    def _anomalies(self, channel: str, scored: xr.Dataset) -> pd.DataFrame:
        frame = anomaly_frame(scored.attrs, self.settings.severity)
        return whole_words(frame, scored.attrs, partial(self.archive.open, channel, indexed=False))

    def retain(self, channels: Iterable[str] | None = None, *, dry_run: bool = False) -> pd.DataFrame:
        """Remove samples that are older than `retention` of the settings keeps; see `workbench.retention`.

        Parameters
        ----------
        channels : iterable of str, optional
            Names of the channels; all where omitted.
        dry_run : bool
            Only say what would go.

        Returns
        -------
        pandas.DataFrame
            One row a channel: `channel`, `asset`, `days` that are kept (NA for all), `samples` that go, `until` the
            time of the last of them, `status` (kept, to remove, removed, failed) and `reason` why older ones stay, or
            why it failed.
        """
        from workbench.retention import Removal, plan_removal, protected_moments, remove, retention_frame

        names = self.channel_names(channels)
        if not dry_run:
            self.archive.seal()
        protected = protected_moments(self.maintenance)
        results = []
        for name in names:
            asset = self.archive.asset_of(name)[0]
            try:
                removal = plan_removal(self.archive, name, self.settings.retention, self.clock(), protected)
                if removal.rows and not dry_run:
                    remove(self.archive, removal)
                    removal = replace(removal, status="removed")
            except ArchiveError as error:
                removal = Removal(name, asset, None, {}, None, str(error), "failed")
            results.append(removal)
        return retention_frame(results)

    def evaluate(
        self,
        labels: Path | str | Mapping[str, pd.DataFrame] | None = None,
        forecaster: str | None = None,
        preset: str | None = None,
        *,
        timezone: str | None = None,
        date_order: str | None = None,
        metrics: "Iterable[MetricChoice]" = ("esa",),
        progress: bool = False,
    ) -> "Evaluation":
        """Judge stored scores against labels; channels that are not scored yet are scored first.

        Assets that have a model are judged as a whole, too: their anomalies against the labels of their channels.

        Parameters
        ----------
        labels : Path, str or mapping, optional
            Label file in any form that `workbench.telemetry.importers.labels.files` reads, or a label table per
            channel; the archive's own where omitted.
        forecaster, preset : str, optional
            As for `score`.
        timezone : str, optional
            Zone of times of the file that carry none; UTC where omitted.
        date_order : {"day", "month"}, optional
            Order of its dates such as 03/04/2024; the whole file decides where omitted.
        metrics : iterable of str or callable
            Metrics beside the overlap protocol: "esa", "affiliation", "range", "vus", "nab", "all" for all of them, and
            functions of your own that take predicted, labels, length and score, and return a number or numbers by name.
        progress : bool
            Show a bar.

        Returns
        -------
        Evaluation

        Raises
        ------
        DetectionError
            A metric is not known.
        """
        from workbench.detection.evaluation.metrics import chosen_metrics, needs_scores
        from workbench.judging import find_labels, judge_assets, judge_scores

        self.check_settings(forecaster=forecaster, preset=preset)
        metrics = list(metrics)
        chosen_metrics(metrics)
        truth = find_labels(self.archive, self.channel_names(), labels, timezone, date_order)
        table = self.score_all(truth.tables, forecaster, preset, progress=progress)
        blind = partial(self._scores.persistence, preset=preset, forecaster=forecaster)
        scored = partial(self.score, forecaster=forecaster, preset=preset) if needs_scores(metrics) else None
        assets = self.assets.score_all(self.assets.with_model(truth.tables), progress=progress)
        whole = judge_assets(self.archive, truth, assets, self.score_asset, metrics)
        buffer = self._scores.params(preset)[1].error_buffer
        return judge_scores(self.archive, truth, table, blind, metrics, scored, whole, buffer)

    def tune(
        self,
        labels: Path | str | Mapping[str, pd.DataFrame] | None = None,
        *,
        verdicts: bool = False,
        forecaster: str | None = None,
        preset: str | None = None,
        grid: Mapping[str, Sequence[Any]] | None = None,
        points: int = 50,
        goal: str = "f1",
        folds: int = 5,
        repeats: int = 10,
        save: bool = False,
        timezone: str | None = None,
        date_order: str | None = None,
        progress: bool = False,
    ) -> "Tuning":
        """Search for better detection parameters, by nested cross-validation over channels.

        No model is trained, and channels that are scored are not predicted again: the stored predictions are judged by
        other thresholds. A tuning that was stopped goes on where it was.

        Parameters
        ----------
        labels : Path, str or mapping, optional
            As for `evaluate`.
        verdicts : bool
            Judge by the verdicts of closed alerts instead of labels.
        forecaster, preset : str, optional
            As for `score`; the preset is what others are compared with.
        grid : mapping of str to sequence, optional
            Values of each parameter to try; `workbench.tuning.grid.GRID` where omitted.
        points : int
            Most points of the grid that are tried.
        goal : {"f1", "f0_5"}
            Figure to make as large as it can be.
        folds, repeats : int
            Folds that channels are dealt to, and how often they are dealt anew.
        save : bool
            Save the result as the preset `tuned`, where even the lower bound of the difference is better.
        timezone, date_order : str, optional
            As for `evaluate`.
        progress : bool
            Show bars.

        Returns
        -------
        Tuning

        Raises
        ------
        LabelError
            There are no labels or verdicts with true events on at least two different series.
        SettingsError
            An option cannot be used.
        """
        from workbench.judging import find_labels
        from workbench.tuning.evidence import Evidence, verdict_evidence
        from workbench.tuning.search import TuningOptions, tune

        if verdicts and labels is not None:
            raise SettingsError("Labels and verdicts are both asked for.", "Use one of the two.")
        self.check_settings(forecaster=forecaster, preset=preset)
        more = {} if grid is None else {"grid": grid}
        options = TuningOptions(goal, points=points, folds=folds, repeats=repeats, seed=self.settings.seed, **more)
        alerts = self.maintenance.alerts if verdicts else None
        if alerts is None:
            truth = find_labels(self.archive, self.channel_names(), labels, timezone, date_order)
            evidence = Evidence(truth.tables, notes=truth.notes)
        else:
            evidence = verdict_evidence(alerts)
        table = self.score_all(evidence.labels, forecaster, preset, progress=progress)
        how: dict[str, Any] = {"forecaster": forecaster, "preset": preset, "alerts": alerts, "progress": progress}
        tuning = tune(self._scores, evidence, table, options, **how)
        return tuning.save(self.settings.home) if save else tuning

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


def _united(spans: Iterable[tuple[str, int, int]]) -> Iterator[tuple[str, int, int]]:
    """Return the spans of each asset without overlaps: thousands of channels that are recorded together make one."""
    asset, start, end = "", 0, -1
    for other, first, last in sorted(set(spans)):
        if other == asset and first <= end:
            end = max(end, last)
            continue
        if start <= end:
            yield asset, start, end
        asset, start, end = other, first, last
    if start <= end:
        yield asset, start, end


def _in_service_from(maintenance: "Maintenance", assets: Collection[str]) -> dict[str, pd.Timestamp]:
    """Return when assets came into service, where people have said so."""
    register = maintenance.register.list(kind="asset")
    known = register[register["in_service_from"].notna() & register["name"].isin(assets)]
    return dict(zip(known["name"], known["in_service_from"], strict=True))
