"""The errors that the workbench raises on purpose.

Every error names what is wrong and, in `hint`, what would be right. The command line prints both and
exits with code 2; anything that is not a `WorkbenchError` is a defect of the workbench.
"""

__all__ = [
    "ArchiveError",
    "ArtifactError",
    "CatalogError",
    "ChannelNotFoundError",
    "ComputeError",
    "ConflictError",
    "DetectionError",
    "FetchError",
    "ForecasterError",
    "HomeError",
    "ImportDataError",
    "LabelError",
    "LinkError",
    "MaintenanceError",
    "ModelError",
    "ModelNotFoundError",
    "ReportError",
    "SchemaError",
    "SettingsError",
    "TelemetryError",
    "TransitionError",
    "UnfinishedImportError",
    "ViewError",
    "WorkbenchError",
]


class WorkbenchError(Exception):
    """Base of all errors raised on purpose.

    Parameters
    ----------
    message : str
        What is wrong: the argument or file, and the value received.
    hint : str, optional
        What would be right, or what to do next.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message followed by the hint."""
        return f"{self.message} {self.hint}".strip()


class SettingsError(WorkbenchError):
    """A settings file or variable holds a wrong key or value."""


class ComputeError(WorkbenchError):
    """The workers of a Dask scheduler cannot be used for the work on channels."""


class HomeError(WorkbenchError):
    """A home, or a part that it has held, has vanished or is another one."""


class TelemetryError(WorkbenchError):
    """Base of errors about telemetry and where it is kept."""


class SchemaError(TelemetryError):
    """A dataset does not keep the contract of a channel."""


class ArchiveError(TelemetryError):
    """The archive cannot be read or written."""


class OutdatedError(ArchiveError):
    """Another process changed what a change was worked out from; nothing was written."""


class ChannelNotFoundError(TelemetryError):
    """The archive holds no such channel or split."""


class CatalogError(TelemetryError):
    """The catalog of assets and channels is malformed."""


class LabelError(TelemetryError):
    """A label is malformed or lies outside its series."""


class ImportDataError(TelemetryError):
    """A file given to an importer cannot be used."""


class UnfinishedImportError(ImportDataError):
    """A sound file cannot be imported yet: samples that go with it are missing, or the archive needs a repair."""


class FetchError(TelemetryError):
    """A download failed or its checksum is wrong."""


class DetectionError(WorkbenchError):
    """Detection was asked for something that it cannot do."""


class ForecasterError(DetectionError):
    """A forecaster cannot be fitted to, or does not fit, the data."""


class ModelError(WorkbenchError):
    """Base of errors about registered models."""


class ModelNotFoundError(ModelError):
    """The registry holds no such model, version or alias."""


class ArtifactError(ModelError):
    """A model's files are missing, or differ from their manifest."""


class ReportError(WorkbenchError):
    """A report could not be made."""


class MaintenanceError(WorkbenchError):
    """Base of errors about alerts, work orders, their plan and their database."""


class ConflictError(MaintenanceError):
    """Somebody else changed the same thing in between."""


class LinkError(MaintenanceError):
    """A link of a message cannot be made, or is not one of this workbench."""


class TransitionError(MaintenanceError):
    """An alert or work order cannot go from its state to the one asked for."""


class ViewError(WorkbenchError):
    """A view cannot show what it was asked for."""
