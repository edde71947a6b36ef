"""Importers: how data from elsewhere becomes channels of the archive."""

from workbench.telemetry.importers.nasa import import_nasa
from workbench.telemetry.importers.report import ChannelImport, ImportReport

__all__ = ["ChannelImport", "ImportReport", "import_nasa"]
