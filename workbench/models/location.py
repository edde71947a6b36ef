"""The location of a registry's database and artifacts."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from workbench.exceptions import ModelError

__all__ = ["ARTIFACT_FOLDER", "Location"]

ARTIFACT_FOLDER = "model"
"""Name of a model's folder inside the artifacts of its run."""


@dataclass(frozen=True)
class Location:
    """Location of a registry, and of its artifacts on this machine.

    Attributes
    ----------
    folder : Path
        Home of the registry, absolute.
    given_uri : str or None
        MLflow tracking URI; None keeps database and artifacts in `folder`, which may then be moved as a whole.

    Examples
    --------
    >>> Location(Path("/srv/registry"), None).uri
    'sqlite:////srv/registry/mlflow.db'
    >>> str(Location(Path("/srv/registry"), "https://me:secret@mlflow.example/team"))
    'https://mlflow.example/team'
    """

    folder: Path
    given_uri: str | None

    def __str__(self) -> str:
        """Return the location without a password that the URI may hold."""
        if self.database is not None:
            return str(self.database)
        parts = urlsplit(self.uri)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()

    @property
    def uri(self) -> str:
        """MLflow tracking URI of the registry."""
        return self.given_uri or f"sqlite:///{self.folder / 'mlflow.db'}"

    @property
    def database(self) -> Path | None:
        """The SQLite file; None for any other store."""
        if self.given_uri is None:
            return self.folder / "mlflow.db"
        path = self.given_uri.removeprefix("sqlite:///").partition("?")[0]
        return Path(path) if self.given_uri.startswith("sqlite:///") and path not in ("", ":memory:") else None

    @property
    def artifact_root(self) -> str | None:
        """URI at which new runs store artifacts; None leaves it to a tracking server."""
        served = urlsplit(self.uri).scheme in ("http", "https", "databricks")
        return None if served else (self.folder / "artifacts").as_uri()

    def is_remote(self, source: str) -> bool:
        """Tell whether a version's artifacts must be copied to be read on this machine."""
        return self.given_uri is not None and urlsplit(source).scheme not in ("", "file")

    def artifacts(self, source: str, run_id: str) -> Path:
        """Return the folder of a version's artifacts on this machine.

        Parameters
        ----------
        source : str
            URI of the artifacts.
        run_id : str
            Run of the training.

        Returns
        -------
        Path
            Where they are, or where a copy of remote ones goes.
        """
        if self.given_uri is None:
            return self.folder / "artifacts" / run_id / "artifacts" / ARTIFACT_FOLDER
        if self.is_remote(source):
            return self.folder / "downloads" / run_id / ARTIFACT_FOLDER
        return Path(unquote(urlsplit(source).path))

    def unusable(self, error: BaseException) -> ModelError:
        """Return the error that says why the store cannot be used."""
        cause = getattr(error.__cause__ or error, "orig", None) or error  # what the database itself said
        reason = str(cause).strip().partition("\n")[0].replace(self.uri, str(self))
        return ModelError(
            f"The model registry {self} cannot be used: {reason}.",
            "Check that it can be reached and written and that the disk has space, or set WORKBENCH_TRACKING_URI.",
        )
