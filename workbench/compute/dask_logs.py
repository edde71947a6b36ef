"""Silence of Dask's loggers, which print what a reader cannot act on."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_dask"]

_PREFIXES = ("distributed", "tornado.application")


@contextmanager
def quiet_dask() -> Iterator[None]:
    """Keep back what Dask logs while the block runs; what matters is raised as an error."""
    names = [*_PREFIXES, *(name for name in logging.root.manager.loggerDict if name.startswith(_PREFIXES))]
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
