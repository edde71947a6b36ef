"""What is installed, found and missing, and how to mend it."""

import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Protocol

import pandas as pd

from workbench.exceptions import WorkbenchError
from workbench.models import Registry
from workbench.settings import Settings
from workbench.telemetry.archive import Archive
from workbench.telemetry.catalog import Catalog
from workbench.telemetry.schema import SPLITS

__all__ = ["Examined", "Finding", "examine"]


class Examined(Protocol):
    """What the checks need of a session; `workbench.session.Session` is one."""

    @property
    def settings(self) -> Settings:
        """Settings in use."""

    @property
    def archive(self) -> Archive:
        """Telemetry, labels and scores."""

    @property
    def registry(self) -> Registry:
        """The trained models."""

    @property
    def catalog(self) -> Catalog:
        """Assets and channels with units and limits."""

    def channels(self) -> pd.DataFrame:
        """Return one row for each channel: what it is, and how many labels it has."""

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
        """Give plain values for JSON."""
        return asdict(self)


def examine(session: Examined, *, read_samples: bool = False) -> list[Finding]:
    """Look at everything that the workbench needs.

    Parameters
    ----------
    session : Examined
        Session that is examined.
    read_samples : bool
        Read every sample of every channel, too, and compare it with what was written: seconds for a hundred channels.

    Returns
    -------
    list of Finding
    """
    checks: list[Callable[[Examined], Iterator[Finding]]] = [
        _python,
        _packages,
        _home,
        _channels,
        *((_samples,) if read_samples else ()),
        _models,
        _scores,
        _settings,
        _catalog,
        _notebooks,
        _browser,
    ]
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check(session)
        except WorkbenchError as error:
            findings.append(Finding(check.__name__.strip("_"), "broken", error.message, error.hint))
    return findings


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
    place = next(folder for folder in (home, *home.absolute().parents) if folder.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        yield Finding("home", "broken", f"{home} cannot be written", "Set WORKBENCH_HOME to a folder that can.")
        return
    free = shutil.disk_usage(place).free / 2**30
    state, fix = ("ok", "") if free >= 1 else ("missing", "Free at least 1 GiB.")
    yield Finding("home", state, f"{home}, {free:.1f} GiB free", fix)


def _channels(session: Examined) -> Iterator[Finding]:
    table = session.channels()
    if table.empty:
        yield Finding("channels", "missing", "none", "workbench run, or workbench import PATH")
        return
    labelled = int(table["labelled"].sum())
    assets = ", ".join(sorted(table["asset"].unique()))
    yield Finding("channels", "ok", f"{len(table)} of {assets}; {labelled} labelled")
    _, damaged = session.archive.infos()
    for error in damaged.values():
        yield Finding("channel", "broken", error.message, error.hint)


def _samples(session: Examined) -> Iterator[Finding]:
    """Read the telemetry and labels of every channel, and the attributes of its scores."""
    described, _ = session.archive.infos()
    whole = 0
    for info in described:
        errors: list[WorkbenchError] = []
        for split in SPLITS:
            try:
                session.archive.check(info.channel, split)
            except WorkbenchError as error:
                errors.append(error)
        try:
            session.archive.labels(info.channel)
            errors += session.archive.damaged_scores(info.channel).values()
        except WorkbenchError as error:
            errors.append(error)
        for found in errors:
            yield Finding("channel", "broken", found.message, found.hint)
        whole += not errors
    if described:
        yield Finding("telemetry", "ok", f"{whole} channels hold what was written")


def _models(session: Examined) -> Iterator[Finding]:
    models = session.registry.list()
    without = set(session.archive.channels()) - {model.channel for model in models}
    if without:
        yield Finding(
            "models", "missing", f"{len(models)} versions; {len(without)} channels have none", "workbench train --all"
        )
    else:
        yield Finding("models", "ok", f"{len(models)} versions")


def _scores(session: Examined) -> Iterator[Finding]:
    states = session.overview()["state"].value_counts()
    found = ", ".join(f"{count} {state}" for state, count in states.items()) or "none"
    due = int(states.sum() - states.get("current", 0) - states.get("damaged", 0))
    yield Finding("scores", "missing" if due else "ok", found, "workbench score --all" if due else "")


def _settings(session: Examined) -> Iterator[Finding]:
    session.check_settings()
    yield Finding("settings", "ok", f"preset {session.settings.preset}")


def _catalog(session: Examined) -> Iterator[Finding]:
    catalog = session.catalog
    yield Finding("catalog", "ok", f"{len(catalog.assets)} assets, {len(catalog.channels)} channels")


def _notebooks(session: Examined) -> Iterator[Finding]:
    from workbench.jobs.reports import notebooks_folder

    del session
    yield Finding("notebooks", "ok", str(notebooks_folder()))


def _browser(session: Examined) -> Iterator[Finding]:
    del session
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found:
        yield Finding("browser", "ok", found)
    else:
        yield Finding("browser", "missing", "no Chromium; only the browser tests need it", "make test installs it")
