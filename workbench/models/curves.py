"""Learning curves: metrics epoch by epoch, as training leaves them with a registered version."""

import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    import pandas as pd

    from workbench.models.listing import ModelInfo
    from workbench.models.registry import Registry

__all__ = ["CURVES", "batched", "epoch_points", "learning_curves"]

CURVES = ("loss", "validation_loss")
"""What is drawn: the loss over the learned windows and over the held-out ones."""

_POINTS = "SELECT key, step, value FROM metrics WHERE run_uuid = ? AND step > 0 AND is_nan = 0"


def epoch_points(
    metrics: Mapping[str, float], history: Mapping[str, Sequence[float]]
) -> Iterator[tuple[str, int, float]]:
    """Lay metrics out as they are stored: those with a history by epoch from 1 on, the others once, as epoch 0.

    Parameters
    ----------
    metrics : mapping of str to float
    history : mapping of str to sequence of float
        Its last value is the metric's.

    Yields
    ------
    tuple of str, int and float
        Metric, epoch, value; what is not finite is left out.

    Examples
    --------
    >>> list(epoch_points({"loss": 1.0, "alpha": 0.1}, {"loss": [2.0, 1.0]}))
    [('alpha', 0, 0.1), ('loss', 1, 2.0), ('loss', 2, 1.0)]
    """
    once = [(key, 0, float(value)) for key, value in metrics.items() if not history.get(key)]
    steps = [(key, at, float(value)) for key, values in history.items() for at, value in enumerate(values, start=1)]
    yield from (point for point in [*once, *steps] if math.isfinite(point[2]))


def batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Cut into lists of at most `size` items.

    Examples
    --------
    >>> list(batched("abc", 2))
    [['a', 'b'], ['c']]
    """
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def learning_curves(registry: "Registry", info: "ModelInfo") -> "pd.DataFrame":
    """Read what training stored epoch by epoch.

    Parameters
    ----------
    registry : Registry
    info : ModelInfo

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
