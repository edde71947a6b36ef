"""What the models view asks of a session, and what its sections ask of the view."""

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd

from workbench.models.life import ModelLife
from workbench.models.listing import ModelInfo
from workbench.views.section import Host
from workbench.views.view_session import ViewSession

__all__ = ["ModelsHost", "ModelsSession"]


class ModelsSession(ViewSession, Protocol):
    """What this view asks of a session beside what all views do."""

    @property
    def models(self) -> ModelLife:
        """Return the life of the trained models: training, drift, promotion."""


class ModelsHost(Host, Protocol):
    """What the sections of the models view ask of it: the version that is chosen, and what belongs to it."""

    model: str
    """Id of the chosen version; empty where its channel has none."""

    @property
    def session(self) -> ModelsSession:
        """Return the session that all values come from."""

    @property
    def info(self) -> ModelInfo | None:
        """Return the chosen version."""

    @property
    def channel(self) -> str:
        """Return the channel of the chosen version, or the selected channel where it has no version."""

    @property
    def fleet(self) -> pd.DataFrame:
        """Return the table of `Session.overview`."""

    @property
    def epochs(self) -> list[dict[str, Any]]:
        """Return the epochs of the training that runs on the chosen channel."""

    @property
    def drift(self) -> dict[str, dict[str, Any]]:
        """Return the rows of `ModelLife.drift` by the id of the champion."""

    def versions(self) -> list[ModelInfo]:
        """Return all versions of the chosen channel."""

    def row(self) -> Mapping[str, Any]:
        """Return the chosen version's row of the table; empty where none is chosen."""

    def pick(self, model: str) -> None:
        """Choose the version that is shown.

        Parameters
        ----------
        model : str
            Id of the version.
        """

    def choose_channel(self, channel: str) -> None:
        """Choose the champion of a channel.

        Parameters
        ----------
        channel : str
            Name of the channel.
        """

    def on_epochs(self) -> None:
        """Show the learning curve of the training that runs."""

    def refresh(self) -> None:
        """Read the registry again."""
