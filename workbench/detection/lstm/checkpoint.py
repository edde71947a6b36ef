"""The state of a long training, stored so that it can resume after an interruption."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from workbench.exceptions import ForecasterError
from workbench.files import replacing

__all__ = ["Checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """One file that holds arrays and a small state, replaced as a whole.

    Attributes
    ----------
    path : Path
        safetensors file; its metadata hold the state.
    identity : dict of str to Any
        What is trained on what: the state of anything else is refused.
    """

    path: Path
    identity: dict[str, Any]

    def write(self, arrays: dict[str, npt.NDArray[Any]], state: dict[str, Any]) -> None:
        """Replace the file of the checkpoint.

        Parameters
        ----------
        arrays : dict of str to numpy.ndarray
            Arrays to store, by name.
        state : dict of str to Any
            JSON can hold it.
        """
        metadata = {"identity": json.dumps(self.identity), "state": json.dumps(state)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as temporary:
            save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, temporary, metadata)

    def read(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]] | None:
        """Read arrays and state.

        Returns
        -------
        tuple of dict, or None
            As given to `write`; None where nothing was written yet.

        Raises
        ------
        ForecasterError
            The file is damaged, or holds the state of another training; says which.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="numpy") as file:
                metadata = file.metadata() or {}
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
            identity, state = json.loads(metadata["identity"]), json.loads(metadata["state"])
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise ForecasterError(
                f"The checkpoint {self.path} cannot be read: {error}.", "Delete it to train from the start."
            ) from None
        differing = [
            f"{key} is {identity.get(key)!r} there and {self.identity.get(key)!r} here"
            for key in sorted({*identity, *self.identity})
            if identity.get(key) != self.identity.get(key)
        ]
        if differing:
            raise ForecasterError(
                f"The checkpoint {self.path} belongs to another training: {'; '.join(differing)}.",
                "Choose another folder, or delete it.",
            )
        return arrays, state
