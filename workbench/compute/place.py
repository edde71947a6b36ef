"""The place where work on many channels is done, as the setting `compute` writes it."""

import re
from dataclasses import dataclass
from typing import Self

__all__ = ["LOCAL", "Compute"]

_MOST_PROCESSES = 1_024
_PROCESSES = re.compile(r"processes:([0-9]{1,6})")
_SCHEDULER = re.compile(r"tcp://(\[[0-9A-Fa-f:.]+\]|[^\s/:@\[\]]+):([0-9]{1,5})")


@dataclass(frozen=True)
class Compute:
    """Place where work on many channels is done.

    Attributes
    ----------
    processes : int
        Processes of this machine; 1 works in the present one.
    scheduler : str
        Address of a Dask scheduler, as `tcp://10.0.0.5:8786`; empty where none is used.
    """

    processes: int = 1
    scheduler: str = ""

    def __str__(self) -> str:
        """Return the text that `parse` reads."""
        return self.scheduler or ("local" if self.processes == 1 else f"processes:{self.processes}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a place as the setting `compute` writes it.

        Parameters
        ----------
        text : str
            `local`, `processes:4` or `tcp://10.0.0.5:8786`.

        Raises
        ------
        ValueError
            The text is none of them.

        Examples
        --------
        >>> [str(Compute.parse(text)) for text in ("local", "processes:4", "tcp://10.0.0.5:8786")]
        ['local', 'processes:4', 'tcp://10.0.0.5:8786']
        >>> Compute.parse("processes:0")
        Traceback (most recent call last):
            ...
        ValueError: write local, processes:N with N from 1 to 1024, or tcp://HOST:PORT of a Dask scheduler
        """
        if text == "local":
            return cls()
        processes, scheduler = _PROCESSES.fullmatch(text), _SCHEDULER.fullmatch(text)
        if processes and 1 <= int(processes[1]) <= _MOST_PROCESSES:
            return cls(processes=int(processes[1]))
        if scheduler and 1 <= int(scheduler[2]) <= 65_535:
            return cls(scheduler=text)
        raise ValueError(
            f"write local, processes:N with N from 1 to {_MOST_PROCESSES}, or tcp://HOST:PORT of a Dask scheduler"
        )


LOCAL = Compute()
"""The present process."""
