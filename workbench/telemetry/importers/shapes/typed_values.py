"""One column of values for each type, as Ignition and other databases store the long form: joined into one."""

import re
from dataclasses import replace

import pandas as pd

from workbench.telemetry.importers.formats.raw_table import RawTable
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.report import ChannelImport
from workbench.telemetry.importers.shapes.by_key import without_cut_row
from workbench.telemetry.importers.shapes.key_names import role_of

__all__ = ["with_one_value"]

_TYPE = r"(?:int|integer|long|float|double|real|num|numeric|number|string|str|text|bool|boolean|date|datetime)"
_TYPED_VALUE = re.compile(rf"{_TYPE}[_\s]?val(?:ue)?|val(?:ue)?[_\s]?{_TYPE}", re.IGNORECASE)
_VALUE = "value"


def with_one_value(raw: RawTable, reading: Reading) -> RawTable:
    """Join the value columns of a table in the long form that has one for each type.

    Parameters
    ----------
    raw : RawTable
        What was read.
    reading : Reading
        What was chosen.

    Returns
    -------
    RawTable
        The table itself where it has no such columns, where a row fills two of them, or a column was chosen.
    """
    columns = [str(column) for column in raw.frame.columns]
    typed = [column for column in columns if _TYPED_VALUE.fullmatch(column)]
    has_tag = reading.channel_column is not None or any(role_of(column) == "tag" for column in columns)
    if len(typed) < 2 or not has_tag or reading.value_column is not None or _VALUE in columns:
        return raw
    whole, raw = raw, replace(without_cut_row(raw, set()), last=None)
    filled = raw.frame[typed].notna()
    if (filled.sum(axis=1) > 1).any():
        return whole
    texts = {column: _as_texts(raw.frame[column]) for column in typed if filled[column].any()}
    if not texts:
        return whole
    value = next(iter(texts.values()))
    for other in list(texts.values())[1:]:
        value = value.where(value.notna(), other)
    rows = [ChannelImport(column, "skipped", note=f"joined into {_VALUE!r}, as each row fills one") for column in typed]
    return replace(
        raw,
        frame=raw.frame.drop(columns=typed).assign(**{_VALUE: value}),
        notes=(*raw.notes, f"{', '.join(typed)} joined into one column of values; otherwise: --value-column"),
        left_out=(*raw.left_out, *rows),
    )


def _as_texts(column: pd.Series) -> pd.Series:
    if pd.api.types.is_string_dtype(column.dtype):
        return column
    return pd.Series([None if pd.isna(one) else str(one) for one in column], dtype="str", index=column.index)
