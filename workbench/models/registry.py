"""The registry of trained models: MLflow tracking and registry, checked artifacts, a cache of loaded models.

This is the only module that imports MLflow, and only when a model is registered or the store is not SQLite.
One module because it is one class: each method is a few lines between the lock, MLflow's client and what it raises.
"""

import os
import shutil
import sqlite3
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar, cast

from filelock import FileLock

from workbench.exceptions import ModelError
from workbench.home import check_part, prepare_part, record_part
from workbench.models.artifacts import FORMAT_VERSION, read, verify, write
from workbench.models.cache import ModelCache
from workbench.models.listing import (
    ASSET_KIND,
    WITHDRAWN,
    Champion,
    ModelInfo,
    ask_client,
    list_champions,
    list_models,
    registered_name,
)
from workbench.models.location import ARTIFACT_FOLDER, Location
from workbench.models.mlflow_calls import (
    ENVIRONMENT,
    batched,
    close_connections,
    close_dropped_connections,
    download,
    epoch_points,
    prepare_database,
    quiet,
)
from workbench.models.names import (
    check_alias,
    choose_champion,
    choose_rollback,
    choose_successor,
    choose_version,
    current_champion,
    model_name,
    parameter_text,
)
from workbench.names import command_line
from workbench.version import __version__

if TYPE_CHECKING:
    from workbench.detection.asset import AssetPCA
    from workbench.detection.forecasters import Forecaster

__all__ = ["EXPERIMENT", "Registry"]

EXPERIMENT = "workbench"
"""MLflow experiment that holds the runs."""

Models: TypeAlias = list[ModelInfo]
Champions: TypeAlias = list[Champion]
T = TypeVar("T")

_LOCK_SECONDS = 60
_HEADER_BYTES = 28
_VERSIONS, _WAL = slice(18, 20), 2  # what it needs to be written and read, and that where changes go into a log first
_CHANGES = slice(24, 28)  # of an SQLite file: how often it was changed; two changes may come in one tick of the clock


class Registry:
    """Registered models, one per channel and forecaster, with versions and aliases.

    Close it, or open it in a `with` statement. One that is dropped closes its connections when it is collected, at the
    latest when the interpreter ends.

    Parameters
    ----------
    folder : Path
        Home of the registry; created when the first model is registered.
    tracking_uri : str, optional
        Any MLflow tracking URI. By default an SQLite database `mlflow.db` and a folder `artifacts`, both in
        `folder`, which may then be moved as a whole.
    cache_bytes : int
        Budget of loaded models.

    Attributes
    ----------
    location : Location
        Where the store is.
    cache : ModelCache
        The loaded models; its hits, misses, evictions and bytes can be read.
    """

    def __init__(self, folder: Path, tracking_uri: str | None = None, cache_bytes: int = 256 * 2**20) -> None:
        self.location = Location(Path(folder).absolute(), tracking_uri)
        self.cache: ModelCache[Forecaster | AssetPCA] = ModelCache(cache_bytes)
        self._listed: tuple[tuple[int, ...] | None, dict[tuple[str | None, str | None], Models]] = (None, {})
        self._client: Any = None
        self._client_lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the store and forget the loaded models.

        Closing again does nothing, and the next use opens new connections.
        """
        with self._client_lock:
            if self._client is not None:
                self._client = None
                close_connections(self.location.uri)
        self.cache.clear()

    def list(
        self, channel: str | None = None, forecaster: str | None = None, *, assets: bool = False
    ) -> list[ModelInfo]:
        """List the registered versions; opens no artifact.

        Parameters
        ----------
        channel, forecaster : str, optional
            List only these.
        assets : bool
            List models of whole assets, too; they are also listed where `forecaster` names their kind.

        Returns
        -------
        list of ModelInfo
            Ordered by channel, forecaster and version; empty where there is no store yet.

        Raises
        ------
        ModelError
            The store cannot be read.
        """
        models = self._listed_before(channel, forecaster)
        return models if assets or forecaster == ASSET_KIND else [info for info in models if not info.of_asset]

    def _listed_before(self, channel: str | None, forecaster: str | None) -> Models:
        """List the registered versions, those of assets among them; nothing is read where nothing has changed."""
        stamp = self.stamp()
        if stamp is None or stamp != self._listed[0]:
            self._listed = (stamp, {})
        held = self._listed[1]
        models = held.get((channel, forecaster))
        if models is None:
            models = self._list(channel=channel, forecaster=forecaster)
            if stamp is not None and stamp == self.stamp():  # nothing has changed while it was read
                held[channel, forecaster] = models
        return [*models]

    def champions(self) -> dict[str, Champions]:
        """Return the champions of all channels that have any; what is known of each is what choosing needs.

        Returns
        -------
        dict of str to list of Champion
            By channel.

        Raises
        ------
        ModelError
            The store cannot be read.
        """
        database = self.location.database
        found = None if database is None else self._reading(lambda: list_champions(database))
        if found is None:
            models = (info for info in self.list() if "champion" in info.aliases)
            found = [Champion(info.channel, info.forecaster, info.version, info.metrics) for info in models]
        champions: dict[str, Champions] = {}
        for one in found:
            champions.setdefault(one.channel, []).append(one)
        return champions

    def stamp(self) -> tuple[int, ...] | None:
        """Return numbers that change with every change to the registry.

        None where there are none: it is no SQLite file, or one with a write-ahead log, into which changes go first.

        Returns
        -------
        tuple of int or None
            Empty where there is no store yet.
        """
        database = self.location.database
        if database is None:
            return None
        try:
            with database.open("rb") as file:
                about = os.fstat(file.fileno())
                header = file.read(_HEADER_BYTES)
        except FileNotFoundError:
            return ()
        except OSError:
            return None
        if _WAL in header[_VERSIONS]:
            return None
        return int.from_bytes(header[_CHANGES], "big"), about.st_mtime_ns, about.st_size, about.st_ino

    def champion(self, channel: str, forecaster: str | None = None) -> ModelInfo:
        """Return the model that predicts a channel.

        Parameters
        ----------
        channel : str
            Name of the channel.
        forecaster : str, optional
            By default, of all forecasters' champions the one with the least `validation_error`.

        Returns
        -------
        ModelInfo

        Raises
        ------
        ModelNotFoundError
            There is none; the hint gives the command that trains one.
        """
        return choose_champion(self.list(channel, forecaster), channel, forecaster)

    def get(self, name: str, version: int | str) -> ModelInfo:
        """Return one version of a registered model.

        Parameters
        ----------
        name : str
            As `P-1.ridge`.
        version : int or str
            Version number or alias.

        Returns
        -------
        ModelInfo

        Raises
        ------
        ModelNotFoundError
            There is no such model, version or alias.
        """
        return choose_version(self._list(name=name), name, version)

    def register(
        self,
        forecaster: "Forecaster | AssetPCA",
        channel: str,
        train_hash: str,
        *,
        seed: int,
        duration: float,
        alias: str = "champion",
    ) -> ModelInfo:
        """Store a fitted forecaster as a new version.

        The artifacts are complete before the version appears, so that a crash at any point leaves either a
        whole version or none.

        Parameters
        ----------
        forecaster : Forecaster or AssetPCA
            A fitted forecaster, or the fitted model of an asset.
        channel : str
            Name of the channel that it predicts, or of the asset.
        train_hash : str
            Hash of the data it was fitted to.
        seed : int
            Seed of the fit.
        duration : float
            Duration of the fit, seconds.
        alias : str
            `champion` or `challenger`; taken from the version that had it.

        Returns
        -------
        ModelInfo

        Raises
        ------
        ModelError
            The name or alias is not allowed, or the store cannot be written.
        """
        name = model_name(channel, forecaster.name)
        registered = registered_name(name)
        check_alias(alias)
        tags = {
            "channel": channel,
            "forecaster": forecaster.name,
            "train_hash": train_hash,
            "seed": str(seed),
            "workbench_version": __version__,
        }
        with self._writing() as client:
            from mlflow.exceptions import MlflowException

            run = client.create_run(self._experiment(client), tags=tags, run_name=name)
            run_id, source = run.info.run_id, f"{run.info.artifact_uri}/{ARTIFACT_FOLDER}"
            path = self.location.artifacts(source, run_id)
            try:
                manifest = write(forecaster, path, _describe(forecaster, run_id))
                if self.location.is_remote(source):
                    client.log_artifacts(run_id, str(path), ARTIFACT_FOLDER)
                else:
                    source = path.as_uri()
                for entities in _measured(forecaster, seed, duration):
                    client.log_batch(run_id, **entities)
                client.set_terminated(run_id)
            except BaseException:
                shutil.rmtree(path.parent, ignore_errors=True)
                with suppress(MlflowException):
                    client.set_terminated(run_id, "FAILED")
                raise
            try:
                client.create_registered_model(registered)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            tags["manifest_sha256"] = manifest.digest
            replaced = current_champion(self._list(name=name))
            if alias == "champion" and replaced is not None:
                tags["replaced"] = str(replaced.version)
            version = client.create_model_version(registered, source, run_id, tags=tags, await_creation_for=0).version
            client.set_registered_model_alias(registered, alias, str(version))
        return self.get(name, int(version))

    def set_alias(self, name: str, version: int | str, alias: str) -> ModelInfo:
        """Move an alias to a version from the one that had it; `rollback` can undo that for `champion`.

        Parameters
        ----------
        name : str
            As `P-1.ridge`.
        version : int or str
            Version number or present alias.
        alias : str
            `champion` or `challenger`.

        Returns
        -------
        ModelInfo
            The version with its aliases as they are now.

        Raises
        ------
        ModelNotFoundError
            There is no such model or version.
        ModelError
            The alias is not one of `ALIASES`, or the store cannot be written.
        """
        check_alias(alias)
        with self._writing() as client:
            info = self.get(name, version)
            replaced = current_champion(self._list(name=name))
            if alias == "champion" and replaced is not None and replaced.version != info.version:
                client.set_model_version_tag(
                    registered_name(name), str(info.version), "replaced", str(replaced.version)
                )
            client.set_registered_model_alias(registered_name(name), alias, str(info.version))
            if info.retired:
                client.delete_model_version_tag(registered_name(name), str(info.version), "retired")
        return self.get(name, info.version)

    def rollback(self, name: str) -> ModelInfo:
        """Make the version champion that was so before the present one; again goes back further.

        Returns
        -------
        ModelInfo
            The champion.

        Raises
        ------
        ModelNotFoundError
            There is no such model.
        ModelError
            No version was champion before, or the store cannot be written.
        """
        with self._writing() as client:
            current, previous = choose_rollback(self._list(name=name), name)
            client.set_model_version_tag(registered_name(name), str(current.version), "rolled_back", "true")
            client.set_registered_model_alias(registered_name(name), "champion", str(previous.version))
            client.delete_model_version_tag(registered_name(name), str(current.version), "replaced")
        return self.get(name, previous.version)

    def retire(self, name: str, version: int | str) -> tuple[ModelInfo, ModelInfo | None]:
        """Take a version out of use; nothing of it is deleted, and `set_alias` takes it back.

        Where it is champion, the version that was so before serves again, or none: see `choose_successor`.

        Parameters
        ----------
        name : str
            As `P-1.ridge`.
        version : int or str
            Version number or alias.

        Returns
        -------
        retired : ModelInfo
        champion : ModelInfo or None
            Champion of the model, from now on.

        Raises
        ------
        ModelNotFoundError
            There is no such model or version.
        ModelError
            It is retired already, or the store cannot be written.
        """
        with self._writing() as client:
            info, versions = self.get(name, version), self._list(name=name)
            if info.retired:
                raise ModelError(
                    f"{info.id} is retired already.",
                    "Use it again: " + command_line("workbench models promote", name, str(info.version)),
                )
            client.set_model_version_tag(registered_name(name), str(info.version), "retired", "true")
            for alias in info.aliases:
                successor = choose_successor(versions, info) if alias == "champion" else None
                if successor is None:
                    client.delete_registered_model_alias(registered_name(name), alias)
                else:
                    client.set_registered_model_alias(registered_name(name), alias, str(successor.version))
        return self.get(name, info.version), current_champion(self._list(name=name))

    def withdraw(self, channel: str, forecaster: str | None = None) -> Models:
        """Take all versions of a channel that was removed out of use; training or promoting them takes them back.

        Parameters
        ----------
        channel : str
            Name of the channel, or of an asset.
        forecaster : str, optional
            Only versions of this one; that of the models of assets where an asset was removed.

        Returns
        -------
        list of ModelInfo
            The versions that were in use until now.

        Raises
        ------
        ModelError
            The store cannot be written.
        """
        if not any(not info.retired for info in self.list(channel, forecaster)):
            return []
        with self._writing() as client:
            versions = [info for info in self.list(channel, forecaster) if not info.retired]
            for info in versions:
                client.set_model_version_tag(registered_name(info.name), str(info.version), "retired", WITHDRAWN)
                for alias in info.aliases:
                    client.delete_registered_model_alias(registered_name(info.name), alias)
        return versions

    def load(self, info: ModelInfo) -> "Forecaster":
        """Return the fitted forecaster of a version, from the cache or from its checked artifacts.

        Returns
        -------
        Forecaster
            Shared between callers: do not fit it again.

        Raises
        ------
        ArtifactError
            A file is missing, foreign, or not the one that was registered, or the forecaster is not known here.
        """
        return cast("Forecaster", self.cache.get(info.run_id, lambda: self._load(info)))

    def load_asset(self, info: ModelInfo) -> "AssetPCA":
        """Return the fitted model of an asset, as `load` does that of a channel."""
        return cast("AssetPCA", self.cache.get(info.run_id, lambda: self._load(info)))

    def check(self, info: ModelInfo) -> None:
        """Check that the files of a version are those that were registered; files elsewhere are not fetched for it.

        Raises
        ------
        ArtifactError
            A file is missing, foreign, or not the one that was registered.
        """
        if info.path.exists() or self.location.given_uri is None:
            verify(info.path, info.manifest_hash)

    def metric_history(self, info: ModelInfo, metric: str) -> dict[int, float]:
        """Return a metric by epoch, through MLflow; `learning_curves` reads it faster where it can."""
        with self.client() as client:
            return {point.step: point.value for point in client.get_metric_history(info.run_id, metric)}

    def check_writable(self) -> None:
        """Create the store if it does not exist.

        Raises
        ------
        ModelError
            It cannot be written.
        """
        with self._writing() as client:
            self._experiment(client)

    def _load(self, info: ModelInfo) -> tuple["Forecaster | AssetPCA", int]:
        if not info.path.exists() and self.location.given_uri is not None:
            with self.client() as client:
                download(client, info.run_id, ARTIFACT_FOLDER, info.path)
        return read(info.path, info.forecaster, info.manifest_hash)

    def _list(self, **filters: str | None) -> Models:
        database = self.location.database
        if database is not None:
            models = self._reading(lambda: list_models(database, self.location.artifacts, **filters))
            if models is not None:
                return models
        return self._list_with_client(**filters)

    def _reading(self, read: Callable[[], T]) -> T | None:
        """Return what is read from MLflow's own tables; None where MLflow may know how to read them."""
        assert self.location.database is not None
        check_part(self.location.database)
        try:
            return read()
        except sqlite3.OperationalError:  # other tables than expected, or locked
            return None
        except (sqlite3.DatabaseError, OSError, ValueError, TypeError, OverflowError) as error:
            raise self.location.unusable(error) from error  # the last three: of values that a damaged page holds

    def _list_with_client(self, **filters: str | None) -> Models:
        with self.client() as client:
            from mlflow.entities import ViewType

            rows = ask_client(client, EXPERIMENT, ViewType.ALL, self.location.artifacts)
        return [info for info in rows if all(value in (None, getattr(info, key)) for key, value in filters.items())]

    def _experiment(self, client: Any) -> str:
        experiment = client.get_experiment_by_name(EXPERIMENT)
        if experiment is not None:
            return str(experiment.experiment_id)
        return str(client.create_experiment(EXPERIMENT, artifact_location=self.location.artifact_root))

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """Lend the client to one writer at a time among threads and processes."""
        try:
            if self.location.database is not None:
                prepare_part(self.location.database)
            self.location.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.location.folder / ".lock", timeout=_LOCK_SECONDS), self.client() as client:
                yield client
        except OSError as error:
            raise self.location.unusable(error) from error

    @contextmanager
    def client(self) -> Iterator[Any]:
        """Lend MLflow's client; its warnings and logs are suppressed, its errors become a `ModelError`.

        Yields
        ------
        mlflow.tracking.MlflowClient
            Client of the registry's store, opened at the first use.
        """
        os.environ.update(ENVIRONMENT)
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        if self.location.database is not None:
            check_part(self.location.database)
        with self._client_lock, warnings.catch_warnings():  # SQLAlchemy 2.1 about MLflow's own mappings
            warnings.filterwarnings("ignore", "The ``noload`` loader strategy is deprecated", DeprecationWarning)
            from mlflow.exceptions import MlflowException
            from sqlalchemy.exc import SQLAlchemyError

            with quiet("mlflow", "alembic"):
                try:
                    if self._client is None:
                        self._client = self._open()
                    yield self._client
                except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError, UnicodeDecodeError) as error:
                    raise self.location.unusable(error) from error

    def _open(self) -> Any:
        from mlflow.telemetry import set_telemetry_client

        close_dropped_connections()

        set_telemetry_client()  # takes back what an earlier import by someone else may have started
        database, root = self.location.database, self.location.artifact_root
        if database is not None:
            prepare_part(database)
            prepare_database(database, _connect, EXPERIMENT, root)
            record_part(database)
        weakref.finalize(self, close_connections, self.location.uri)
        return _connect(self.location.uri)


def _measured(forecaster: "Forecaster | AssetPCA", seed: int, duration: float) -> Iterator[dict[str, Any]]:
    """Return the parameters, and the metrics that are numbers, as MLflow's entities, as many as it takes at once."""
    from mlflow.entities import Metric, Param

    now = time.time_ns() // 10**6
    yield {"params": [Param(key, value) for key, value in parameter_text(forecaster.parameters, seed).items()]}
    points = epoch_points(forecaster.metrics | {"training_seconds": duration}, forecaster.history)
    for some in batched(points, 900):
        yield {"metrics": [Metric(key, value, now, step) for key, step, value in some]}


def _connect(uri: str) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _describe(forecaster: "Forecaster | AssetPCA", run_id: str) -> str:
    """Return MLflow's description of a model (`MLmodel`): its flavor and tensor signature."""
    import numpy as np
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    from workbench.detection.asset import AssetPCA

    inputs: tuple[str, tuple[int, ...]]
    outputs: tuple[str, tuple[int, ...]]
    if isinstance(forecaster, AssetPCA):
        inputs, outputs = ("telemetry", (-1, len(forecaster.channels))), ("distances", (-1, 2))
    else:
        inputs = ("window", (-1, forecaster.sequence_length, forecaster.n_inputs or 1))
        outputs = ("prediction", (-1, forecaster.prediction_horizon))
    schemas = (Schema([TensorSpec(np.dtype(np.float32), shape, name)]) for name, shape in (inputs, outputs))
    signature = ModelSignature(*schemas)
    flavor = {"forecaster": forecaster.name, "format_version": FORMAT_VERSION, "workbench_version": __version__}
    return str(Model(run_id=run_id, signature=signature, flavors={"workbench": flavor}).to_yaml())
