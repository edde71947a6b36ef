"""List of the models in a registry, read straight from the SQLite tables of MLflow.

Importing MLflow takes seconds and its first query another; reading its tables takes milliseconds and opens
no artifact. `registry.Registry.list` gives the same list through MLflow where the store is not SQLite.
"""

import os
import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from workbench.models.mlflow_calls import all_pages
from workbench.names import key_name

__all__ = [
    "ASSET_KIND",
    "WITHDRAWN",
    "Champion",
    "ModelInfo",
    "ask_client",
    "assemble",
    "list_champions",
    "list_models",
    "model_ids",
    "natural_key",
    "queries",
    "registered_name",
]

ASSET_KIND = "pca"
"""Kind of the models of whole assets, in the place of a forecaster; `AssetPCA.name`."""

WITHDRAWN = "channel removed"
"""Value of the tag `retired` of versions whose channel was removed."""

_ERROR = "validation_error"
_TAG_NAMES = {"channel", "forecaster", "train_hash", "manifest_sha256"}  # of a version that the workbench registered

_VERSIONS = """
SELECT name, version, creation_time, source, run_id FROM model_versions AS v
WHERE v.workspace = 'default' AND v.current_stage <> 'Deleted_Internal'{named}
"""
_TAGS = """
SELECT v.name, v.version, v.key, v.value FROM model_version_tags AS v WHERE v.workspace = 'default'{named}
"""
_ALIASES = """
SELECT v.name, v.version, v.alias FROM registered_model_aliases AS v WHERE v.workspace = 'default'{named}
"""
_CHAMPIONS = """
SELECT max(CASE t.key WHEN 'channel' THEN t.value END), max(CASE t.key WHEN 'forecaster' THEN t.value END),
    a.version, max(m.value), count(t.key) FROM registered_model_aliases AS a
JOIN model_versions AS v ON v.workspace = a.workspace AND v.name = a.name AND v.version = a.version
JOIN model_version_tags AS t ON t.workspace = a.workspace AND t.name = a.name AND t.version = a.version
    AND t.key IN ('channel', 'forecaster', 'train_hash', 'manifest_sha256')
LEFT JOIN latest_metrics AS m ON m.run_uuid = v.run_id AND m.key = 'validation_error' AND m.is_nan = 0
WHERE a.workspace = 'default' AND a.alias = 'champion' AND v.current_stage <> 'Deleted_Internal'
GROUP BY a.name, a.version
"""
_OF_RUNS = " AND {table}.run_uuid IN (SELECT run_id FROM model_versions AS v WHERE v.workspace = 'default'{named})"
_METRICS = "SELECT m.run_uuid, m.key, m.value FROM latest_metrics AS m WHERE m.is_nan = 0{of_runs}"
_PARAMETERS = "SELECT p.run_uuid, p.key, p.value FROM params AS p WHERE 1 = 1{of_runs}"


@dataclass(frozen=True)
class ModelInfo:
    """One version of one registered model.

    Attributes
    ----------
    name : str
        Model, `<channel>.<forecaster>`; MLflow knows it as `registered_name` of it.
    channel, forecaster : str
        What it predicts, and how; of a model of a whole asset, the asset and `ASSET_KIND`.
    version : int
        Counts up from 1 within the name.
    aliases : tuple of str
        `champion`, `challenger`, both or neither.
    created : datetime
        When it was registered, UTC.
    train_hash : str
        `workbench.telemetry.schema.data_hash` of the data it was fitted to.
    metrics : dict of str to float
        Training metrics, among them `validation_error` (in the channel's units) and `training_seconds`.
    parameters : dict of str to str
        Hyperparameters and the seed, as text.
    path : Path
        Folder of the artifacts on this machine.
    run_id : str
        MLflow's run of the training.
    manifest_hash : str
        SHA-256 of the artifacts' manifest.
    replaced : int or None
        The version that was champion before this one.
    rolled_back : bool
        Whether this version was champion until a rollback.
    retired : bool
        Whether it was taken out of use; promoting it takes it back.
    withdrawn : bool
        Whether that was because its channel was removed: training it again takes it back, too.
    """

    name: str
    channel: str
    forecaster: str
    version: int
    aliases: tuple[str, ...]
    created: datetime
    train_hash: str
    metrics: dict[str, float]
    parameters: dict[str, str]
    path: Path
    run_id: str
    manifest_hash: str
    replaced: int | None = None
    rolled_back: bool = False
    retired: bool = False
    withdrawn: bool = False

    @property
    def of_asset(self) -> bool:
        """Whether it is a model of a whole asset, whose name `channel` holds."""
        return self.forecaster == ASSET_KIND

    @property
    def size(self) -> int | None:
        """Bytes of the artifacts; None where they are not on this machine."""
        try:
            return sum(entry.stat().st_size for entry in os.scandir(self.path))
        except OSError:
            return None

    @property
    def id(self) -> str:
        """Name and version, as `P-1.ridge/3`."""
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class Champion:
    """What the choice of a model needs of a champion; thousands are read in a fraction of the time of `ModelInfo`.

    Attributes
    ----------
    channel, forecaster : str
        As of `ModelInfo`.
    version : int
        As of `ModelInfo`.
    metrics : dict of str to float
        `validation_error`, if it is known.
    """

    channel: str
    forecaster: str
    version: int
    metrics: dict[str, float]
    aliases: tuple[str, ...] = ("champion",)

    @property
    def id(self) -> str:
        """Name and version, as of `ModelInfo`."""
        return f"{self.channel}.{self.forecaster}/{self.version}"


def registered_name(name: str) -> str:
    """Return the name under which MLflow knows a model, since it takes neither `/` nor `:`.

    Examples
    --------
    >>> registered_name("P-1.ridge"), registered_name("P1:TEMP.ridge")
    ('P-1.ridge', 'P1%3ATEMP.ridge')
    """
    channel, dot, forecaster = name.rpartition(".")
    return f"{key_name(channel)}{dot}{forecaster}"


def model_ids(text: str) -> list[str]:
    """Return the names and versions of the models that made a score, from the text that the score has of them.

    Examples
    --------
    >>> model_ids("P-1.lstm/1+P-1.ridge/3"), model_ids("A+B.ridge/12")
    (['P-1.lstm/1', 'P-1.ridge/3'], ['A+B.ridge/12'])
    """
    return re.findall(r"(.+?\.\w+/\d+)(?:\+|$)", text)


def natural_key(text: str) -> list[tuple[int, str]]:
    """Return a sort key that orders names by the numbers in them.

    Examples
    --------
    >>> sorted(["A-10", "A-2", "B-1"], key=natural_key)
    ['A-2', 'A-10', 'B-1']
    """
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]


def assemble(
    versions: Iterable[tuple[str, int, int, str | None, str | None]],
    tags: Mapping[tuple[str, int], dict[str, str]],
    aliases: Iterable[tuple[str, int, str]],
    metrics: Mapping[str, dict[str, float]],
    parameters: Mapping[str, dict[str, str]],
    locate: Callable[[str, str], Path],
) -> list[ModelInfo]:
    """Put together what MLflow keeps in separate tables.

    Parameters
    ----------
    versions : iterable of (name, version, created, source, run_id)
        `created` in milliseconds since 1970.
    tags : mapping of (name, version) to dict
        Tags of the versions; versions that the workbench did not register are left out.
    aliases : iterable of (name, version, alias)
        Aliases of the versions.
    metrics, parameters : mapping of run_id to dict
        Metrics and parameters of the runs.
    locate : callable
        Function that returns the local folder of the artifacts from a version's source URI and run id.

    Returns
    -------
    list of ModelInfo
        Ordered by channel, forecaster and version.
    """
    named: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for name, version, alias in aliases:
        named[name, version].add(alias)
    models = []
    for name, version, created, source, run_id in versions:
        tag = tags.get((name, version), {})
        if not tag.keys() >= _TAG_NAMES:
            continue
        info = ModelInfo(
            name=f"{tag['channel']}.{tag['forecaster']}",
            channel=tag["channel"],
            forecaster=tag["forecaster"],
            version=version,
            aliases=tuple(sorted(named[name, version])),
            created=datetime.fromtimestamp(created / 1000, tz=UTC),
            train_hash=tag["train_hash"],
            metrics=metrics.get(run_id or "", {}),
            parameters=parameters.get(run_id or "", {}),
            path=locate(source or "", run_id or ""),
            run_id=run_id or "",
            manifest_hash=tag["manifest_sha256"],
            replaced=int(tag["replaced"]) if "replaced" in tag else None,
            rolled_back="rolled_back" in tag,
            retired="retired" in tag,
            withdrawn=tag.get("retired") == WITHDRAWN,
        )
        models.append(info)
    return sorted(models, key=lambda info: (natural_key(info.channel), info.forecaster, info.version))


def list_models(
    database: Path,
    locate: Callable[[str, str], Path],
    *,
    name: str | None = None,
    channel: str | None = None,
    forecaster: str | None = None,
) -> list[ModelInfo]:
    """List models from MLflow's SQLite database, which is opened read-only.

    Parameters
    ----------
    database : Path
        The database; one that is missing or not MLflow's holds no models, and none is created.
    locate : callable
        Function that returns the local folder of the artifacts from a version's source URI and run id.
    name, channel, forecaster : str, optional
        List only these.

    Returns
    -------
    list of ModelInfo
        Ordered by channel, forecaster and version.

    Raises
    ------
    sqlite3.OperationalError
        The tables are not as this code expects them, or the file is locked.
    sqlite3.DatabaseError
        The file is not an SQLite database.
    """
    with _reading(database) as connection:
        if connection is None:
            return []
        rows = [connection.execute(*query).fetchall() for query in queries(name, channel, forecaster)]
    versions, tag_rows, aliases, metric_rows, parameter_rows = rows
    tags: defaultdict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for model, version, key, value in tag_rows:
        tags[model, version][key] = value
    metrics: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for run, key, value in metric_rows:
        metrics[run][key] = value
    parameters: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for run, key, value in parameter_rows:
        parameters[run][key] = value
    models = assemble(versions, tags, aliases, metrics, parameters, locate)
    return [info for info in models if channel in (None, info.channel) and forecaster in (None, info.forecaster)]


def list_champions(database: Path) -> list[Champion]:
    """List the champions of channels from MLflow's SQLite database; see `list_models`.

    Parameters
    ----------
    database : Path
        The database; one that is missing or not MLflow's holds no models, and none is created.

    Returns
    -------
    list of Champion
        Ordered by channel and forecaster, as texts.
    """
    with _reading(database) as connection:
        rows = [] if connection is None else connection.execute(_CHAMPIONS).fetchall()
    champions = [
        Champion(channel, forecaster, version, {} if error is None else {_ERROR: error})
        for channel, forecaster, version, error, tags in rows
        if tags == len(_TAG_NAMES) and forecaster != ASSET_KIND
    ]
    return sorted(champions, key=lambda one: (one.channel, one.forecaster))


@contextmanager
def _reading(database: Path) -> Iterator[sqlite3.Connection | None]:
    """Open MLflow's database to read one state of it; None where there is none, or it is not MLflow's."""
    if not database.exists():
        yield None
        return
    uri = f"file:{quote(str(database.absolute()))}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None)) as connection:
        connection.execute("BEGIN")  # one snapshot for all queries
        made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        yield None if made is None else connection


def queries(
    name: str | None = None, channel: str | None = None, forecaster: str | None = None
) -> list[tuple[str, dict[str, str]]]:
    """Return the queries that read versions, tags, aliases, metrics and parameters, each with its values.

    A condition that may be absent (`:name IS NULL OR name = :name`) keeps SQLite from its indexes, so that each look-up
    would read the whole registry. Each query therefore holds only the conditions that are asked for: the name of a
    model, or the range of the names that begin with a channel.

    Parameters
    ----------
    name, channel, forecaster : str, optional
        Model; or channel and forecaster, of which its name consists.

    Returns
    -------
    list of (str, dict of str to str)
        A channel alone may also select models of others: `P-1` those of a channel `P-1.ridge`. A forecaster alone
        selects nothing.

    Examples
    --------
    >>> queries(channel="P-1")[1][1]
    {'low': 'P-1.', 'high': 'P-1/'}
    """
    if name is None and channel is not None and forecaster is not None:
        name = f"{channel}.{forecaster}"
    named, values = "", {}
    if name is not None:
        named, values = " AND v.name = :name", {"name": registered_name(name)}
    elif channel is not None:
        key = key_name(channel)
        named, values = " AND v.name >= :low AND v.name < :high", {"low": f"{key}.", "high": f"{key}/"}
    of_metrics, of_parameters = (_OF_RUNS.format(table=table, named=named) if named else "" for table in "mp")
    return [
        *((query.format(named=named), values) for query in (_VERSIONS, _TAGS, _ALIASES)),
        (_METRICS.format(of_runs=of_metrics), values),
        (_PARAMETERS.format(of_runs=of_parameters), values),
    ]


def ask_client(client: Any, experiment: str, view: Any, locate: Callable[[str, str], Path]) -> list[ModelInfo]:
    """List models through MLflow's client, for a store that is not SQLite.

    Parameters
    ----------
    client : mlflow.tracking.MlflowClient
        Client of the tracking server or store.
    experiment : str
        Name of the experiment that holds the runs.
    view : int
        MLflow's `ViewType.ALL`.
    locate : callable
        Function that returns the local folder of the artifacts from a version's source URI and run id.

    Returns
    -------
    list of ModelInfo
        Ordered by channel, forecaster and version.
    """
    versions = all_pages(client.search_model_versions)
    models = all_pages(client.search_registered_models)
    record = client.get_experiment_by_name(experiment)
    runs = [] if record is None else all_pages(client.search_runs, [record.experiment_id], run_view_type=view)
    return assemble(
        [(item.name, int(item.version), item.creation_timestamp, item.source, item.run_id) for item in versions],
        {(item.name, int(item.version)): item.tags for item in versions},
        [(model.name, int(version), alias) for model in models for alias, version in model.aliases.items()],
        {run.info.run_id: run.data.metrics for run in runs},
        {run.info.run_id: run.data.params for run in runs},
        locate,
    )
