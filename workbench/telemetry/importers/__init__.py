"""Importers: how data from elsewhere becomes channels of the archive."""

from collections.abc import Callable
from functools import partial

from workbench.telemetry.importers.formats.contents import LAYOUT_WORDS
from workbench.telemetry.importers.nasa import import_nasa
from workbench.telemetry.importers.report import ChannelImport, ImportReport
from workbench.telemetry.importers.table import DEFAULT_TRAIN_FRACTION, import_table

__all__ = ["DEFAULT_TRAIN_FRACTION", "IMPORTERS", "ChannelImport", "ImportReport", "import_nasa", "import_table"]

IMPORTERS: dict[str, Callable[..., ImportReport]] = {
    "nasa": import_nasa,
    **{layout: partial(import_table, layout=layout) for layout in (*LAYOUT_WORDS, "lookout")},
}
"""Importer of each layout, called with path and archive."""
