"""Learning curves: metrics epoch by epoch, as training leaves them with a registered version."""

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    import pandas as pd

    from workbench.models.listing import ModelInfo
    from workbench.models.registry import Registry

__all__ = ["CURVES", "learning_curves"]

CURVES = ("loss", "validation_loss")
"""Names of the curves: the loss over the learned windows and over the held-out ones."""

_POINTS = "SELECT key, step, value FROM metrics WHERE run_uuid = ? AND step > 0 AND is_nan = 0"


def learning_curves(registry: "Registry", info: "ModelInfo") -> "pd.DataFrame":
    """Read what training stored epoch by epoch.

    Parameters
    ----------
    registry : Registry
        Registry that holds the version.
    info : ModelInfo
        Version whose training is read.

    Returns
    -------
    pandas.DataFrame
        `epoch` and one column for each of `CURVES`; no rows where training stored none: the forecaster has no epochs,
        or the version is older than this.

    Raises
    ------
    ModelError
        The store cannot be read.
    """
    import pandas as pd

    database = registry.location.database
    if database is None:
        points = [(key, at, value) for key in CURVES for at, value in registry.metric_history(info, key).items() if at]
    else:
        try:
            with closing(sqlite3.connect(f"file:{quote(str(database.absolute()))}?mode=ro", uri=True)) as connection:
                points = connection.execute(_POINTS, (info.run_id,)).fetchall()
        except sqlite3.Error as error:
            raise registry.location.unusable(error) from error
    table: dict[int, dict[str, float]] = {}
    for key, epoch, value in points:
        table.setdefault(epoch, {})[key] = value
    rows = [{"epoch": epoch, **table[epoch]} for epoch in sorted(table)]
    return pd.DataFrame(rows, columns=["epoch", *CURVES])
