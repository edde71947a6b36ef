"""Check what is installed, present and missing, and say how to repair it."""

import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Protocol

import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ArtifactError, LinkError, MaintenanceError, WorkbenchError
from workbench.home import part_faults
from workbench.jobs.mosquitto import CONFIGURATION, mosquitto_faults
from workbench.maintenance.desk import Maintenance
from workbench.models import Registry
from workbench.names import command_line
from workbench.settings import Settings
from workbench.telemetry.archive import Archive
from workbench.telemetry.catalog import Catalog
from workbench.telemetry.schema import SPLITS

__all__ = ["Examined", "Finding", "examine"]


class Examined(Protocol):
    """What the checks need of a session; `workbench.session.Session` is one."""

    @property
    def settings(self) -> Settings:
        """Settings that are in use."""

    @property
    def archive(self) -> Archive:
        """Telemetry, labels and scores."""

    @property
    def registry(self) -> Registry:
        """Registry of the trained models."""

    @property
    def catalog(self) -> Catalog:
        """Assets and channels with units and limits."""

    @property
    def maintenance(self) -> Maintenance:
        """Alerts, work orders and their notifications."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """Function that returns the present time."""

    def channels(self) -> pd.DataFrame:
        """Return one row for each channel: what it is, and how many labels it has."""

    def vanished(self) -> dict[str, str]:
        """Return what knows each channel that the archive does not hold."""

    def check_settings(self) -> None:
        """Check settings and catalog against the archive."""

    def overview(self) -> pd.DataFrame:
        """Return one row for each channel: its worst anomaly, and how current its score is."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    what : str
        What was looked at.
    state : {"ok", "missing", "broken"}
        "missing" can be lived with, "broken" cannot.
    found : str
        What was found.
    fix : str
        What to do, where something is to be done.
    """

    what: str
    state: str
    found: str
    fix: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return plain values for JSON."""
        return asdict(self)


def examine(session: Examined, *, read_samples: bool = False) -> list[Finding]:
    """Check everything that the workbench needs.

    Parameters
    ----------
    session : Examined
        Session whose settings, archive, registry and database are checked.
    read_samples : bool
        Read every sample of every channel and every file of every model, too, and compare them with what was written:
        seconds for a hundred channels.

    Returns
    -------
    list of Finding
    """
    checks: list[Callable[[Examined], Iterator[Finding]]] = [
        _python,
        _packages,
        _home,
        _index,
        _channels,
        _levels,
        _vanished,
        _losses,
        *((_samples,) if read_samples else ()),
        _models,
        *((_model_files,) if read_samples else ()),
        _scores,
        _settings,
        _notifications,
        _broker,
        partial(_attachments, content=read_samples),
        _catalog,
        _notebooks,
        _browser,
    ]
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check(session)
        except WorkbenchError as error:
            name = getattr(check, "__name__", "attachments").strip("_")
            findings.append(Finding(name, "broken", error.message, error.hint))
    return list({(finding.state, finding.found): finding for finding in reversed(findings)}.values())[::-1]


def _python(session: Examined) -> Iterator[Finding]:
    del session
    yield Finding("python", "ok", platform.python_version())


def _packages(session: Examined) -> Iterator[Finding]:
    del session
    try:
        needed = [text for text in requires("telemetry-workbench") or [] if "extra ==" not in text]
    except PackageNotFoundError:
        yield Finding("packages", "missing", "telemetry-workbench is not installed, only importable", "make setup")
        return
    absent = []
    for requirement in needed:
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        try:
            version(name)
        except PackageNotFoundError:
            absent.append(name)
    if absent:
        yield Finding("packages", "broken", f"missing: {', '.join(absent)}", "make setup")
    else:
        names = ("tensorflow", "onnxruntime", "mlflow", "voila", "bokeh")
        yield Finding(
            "packages", "ok", f"{len(needed)} found; " + ", ".join(f"{name} {version(name)}" for name in names)
        )


def _home(session: Examined) -> Iterator[Finding]:
    home = session.settings.home
    for error in part_faults(home):
        yield Finding("home", "broken", error.message, error.hint)
    place = next(folder for folder in (home, *home.absolute().parents) if folder.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        yield Finding("home", "broken", f"{home} cannot be written", "Set WORKBENCH_HOME to a folder that can.")
        return
    free = shutil.disk_usage(place).free / 2**30
    state, fix = ("ok", "") if free >= 1 else ("missing", "Free at least 1 GiB.")
    yield Finding("home", state, f"{home}, {free:.1f} GiB free", fix)


def _index(session: Examined) -> Iterator[Finding]:
    """Say where the index of the archive is, where that is a server, or not where the settings say."""
    archive = session.archive
    misplaced = archive.misplaced_index()
    if misplaced is not None:
        yield Finding("index", "missing", misplaced.message, misplaced.hint)
    elif session.settings.index_url is not None and archive.path.exists() and archive.index.is_sound():
        yield Finding("index", "ok", str(archive.index.name))


def _vanished(session: Examined) -> Iterator[Finding]:
    """Name the channels that are gone from the archive; models and alerts still know them."""
    for name, what in session.vanished().items():
        command = command_line("workbench channels remove", name)
        yield Finding(
            "channel",
            "broken",
            f"{name} is gone from the archive; the home has {what} of it",
            "Restore it from a backup, or import all its files: workbench import PATH --replace --train-until TIME. "
            f"Where it is gone on purpose: {command}, which retires its models and closes its "
            "alerts.",
        )


def _losses(session: Examined) -> Iterator[Finding]:
    """Name what the archive held until files of it were lost; the index that was made anew knows nothing of it."""
    for error in session.archive.losses():
        yield Finding("channel", "broken", error.message, error.hint)


def _channels(session: Examined) -> Iterator[Finding]:
    table = session.channels()
    if table.empty:
        yield Finding("channels", "missing", "none", "workbench run, or workbench import PATH")
        return
    labelled = int(table["labelled"].sum())
    assets = ", ".join(sorted(session.catalog.asset(key).name for key in table["asset"].unique()))
    yield Finding("channels", "ok", f"{len(table)} of {assets}; {labelled} labelled")
    _, damaged = session.archive.infos()
    for error in damaged.values():
        yield Finding("channel", "broken", error.message, error.hint)


def _levels(session: Examined) -> Iterator[Finding]:
    """Say where long series have no levels, as those of an earlier release."""
    lacking = session.archive.lacks_levels()
    if lacking:
        found = f"{counted(lacking, 'long series', 'long series')} without levels: charts of them read every sample"
        yield Finding("levels", "missing", found, "workbench doctor --rebuild-levels")


def _samples(session: Examined) -> Iterator[Finding]:
    """Read the telemetry and labels of every channel, and the attributes of its scores."""
    described, _ = session.archive.infos()
    whole = 0
    for info in described:
        errors: list[WorkbenchError] = []
        for split in SPLITS:
            try:
                session.archive.check_deeply(info.channel, split)
            except WorkbenchError as error:
                errors.append(error)
        try:
            session.archive.open_before(info.channel)
        except WorkbenchError as error:
            errors.append(error)
        try:
            session.archive.labels(info.channel)
            errors += session.archive.damaged_scores(info.channel).values()
        except WorkbenchError as error:
            errors.append(error)
        for damage_error in errors:
            yield Finding("channel", "broken", damage_error.message, damage_error.hint)
        whole += not errors
    if described:
        yield Finding("telemetry", "ok", f"{counted(whole, 'channel')} checked: the files hold what was written")


def _model_files(session: Examined) -> Iterator[Finding]:
    """Compare the files of every version that is in use with those that were registered."""
    for model in session.registry.list(assets=True):
        try:
            if not model.retired:
                session.registry.check(model)
        except ArtifactError as error:
            yield Finding("model", "broken", f"{model.id}: {error.message}", error.hint)


def _models(session: Examined) -> Iterator[Finding]:
    models = session.registry.list()
    without = set(session.archive.channels()) - {model.channel for model in models}
    if without:
        yield Finding(
            "models",
            "missing",
            f"{counted(len(models), 'version')}; {counted(len(without), 'channel')} without a model",
            "workbench train --all",
        )
    else:
        yield Finding("models", "ok", counted(len(models), "version"))


def _scores(session: Examined) -> Iterator[Finding]:
    states = session.overview()["state"].value_counts()
    counts = ", ".join(f"{count} {state}" for state, count in states.items()) or "none"
    due = int(states.sum() - states.get("current", 0) - states.get("damaged", 0))
    yield Finding("scores", "missing" if due else "ok", counts, "workbench score --all" if due else "")


def _settings(session: Examined) -> Iterator[Finding]:
    session.check_settings()
    yield Finding("settings", "ok", f"preset {session.settings.preset}")


def _notifications(session: Examined) -> Iterator[Finding]:
    """Name gaps and overlaps of the on-call rota, a key of links that others can read, and messages that failed."""
    from workbench.maintenance.notifications.rota import read_rota

    options, desk = session.settings.notifications, session.maintenance
    if not desk.notifier.addresses:
        yield Finding("notifications", "ok", "none are sent: the settings name no target and no person")
        return
    if desk.links is not None:
        try:
            desk.links.check()
        except LinkError as error:
            yield Finding("links", "broken", error.message, error.hint)
    try:
        rota = read_rota(options)
    except MaintenanceError as error:
        yield Finding("on call", "broken", error.message, error.hint)
        rota = None
    if rota is not None:
        strangers = [f"{title!r} in the calendar has no address in notifications.people." for title in rota.strangers()]
        for fault in [*strangers, *rota.faults(session.clock())]:
            yield Finding("on call", "missing", fault, "Correct notifications.on_call, or its calendar.")
    failed = len(desk.notifier.list("failed"))
    if failed:
        found = f"{counted(failed, 'message')} could not be delivered"
        yield Finding("notifications", "missing", found, "workbench notify list --state failed; workbench notify retry")
    targets, people = counted(len(options.targets), "target"), counted(len(options.people), "person", "people")
    yield Finding("notifications", "ok", f"{targets}, {people}; to try them: workbench notify test")


def _broker(session: Examined) -> Iterator[Finding]:
    """Say whether a mosquitto on this machine, from which live telemetry comes, keeps its messages."""
    host = session.settings.live.mqtt.host
    if host not in ("localhost", "127.0.0.1", "::1"):
        return
    faults = mosquitto_faults()
    for found, fix in faults:
        yield Finding("mosquitto", "broken", found, fix)
    if not faults and CONFIGURATION.is_file():
        yield Finding("mosquitto", "ok", "keeps messages for live telemetry over a restart")


def _attachments(session: Examined, *, content: bool) -> Iterator[Finding]:
    """Name the files of orders and requests that are missing or not what was attached."""
    desk = session.maintenance
    entries = [(number, entry) for number, entry in desk.requests.attachments() if "file" in entry]
    whole = 0
    for number, entry in entries:
        try:
            desk.orders.files.check(entry, content=content)
            whole += 1
        except MaintenanceError as error:
            yield Finding("attachments", "broken", f"{number}: {error.message}", error.hint)
    if whole:
        yield Finding("attachments", "ok", f"{counted(whole, 'file')} of work orders and requests")


def _catalog(session: Examined) -> Iterator[Finding]:
    catalog, file = session.catalog, session.settings.catalog
    whose = "of the demo fleet that comes with the product; none of your own is set" if file is None else f"of {file}"
    size = f"{counted(len(catalog.assets), 'asset')}, {counted(len(catalog.channels), 'channel')}"
    yield Finding("catalog", "ok", f"{size}, {whose}")


def _notebooks(session: Examined) -> Iterator[Finding]:
    from workbench.jobs.reports import notebooks_folder

    del session
    yield Finding("notebooks", "ok", str(notebooks_folder()))


def _browser(session: Examined) -> Iterator[Finding]:
    del session
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next((path for name in names if (path := shutil.which(name))), None)
    if executable:
        yield Finding("browser", "ok", executable)
    else:
        yield Finding("browser", "missing", "no Chromium; only the browser tests need it", "make test installs it")
