"""What the models view shows, without a widget: the registered versions, the filters, the chosen version, drift."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from workbench.exceptions import ViewError
from workbench.models.life import DRIFT_COLUMNS
from workbench.models.listing import ModelInfo
from workbench.models.names import choose_champion
from workbench.views.models.host import ModelsSession
from workbench.views.models.table import PAGE, ModelFilters, model_table

__all__ = ["Scene"]


class Scene:
    """The registered versions, those that are listed, and the one that is chosen.

    Parameters
    ----------
    session : ModelsSession
        Session whose registry is shown.

    Attributes
    ----------
    fleet : pandas.DataFrame
        Table of `Session.overview`.
    table, listed : pandas.DataFrame
        All versions, as from `model_table`, and those that pass the filters.
    filters : ModelFilters
        Which versions are listed, and in which order.
    limit : int
        How many of those that are listed are on the page.
    model : str
        Id of the chosen version; empty where its channel has none.
    drift : dict of str to dict
        Rows of `ModelLife.drift` by the id of the champion, of the channels that have been looked at.
    """

    def __init__(self, session: ModelsSession) -> None:
        self._session = session
        self._models: dict[str, ModelInfo] = {}
        self._by_channel: dict[str, list[ModelInfo]] = {}
        self._read_at = 0.0
        self.fleet = pd.DataFrame({"channel": []})
        self.table = pd.DataFrame()
        self.listed = pd.DataFrame()
        self.filters = ModelFilters()
        self.limit = PAGE
        self.model = ""
        self.drift: dict[str, dict[str, Any]] = {}

    @property
    def info(self) -> ModelInfo | None:
        """The chosen version; None where none is chosen."""
        return self._models.get(self.model)

    @property
    def assets(self) -> dict[str, str]:
        """Return the assets by channel."""
        return dict(zip(self.fleet["channel"], self.fleet["asset"], strict=True)) if len(self.fleet) else {}

    @property
    def outdated(self) -> bool:
        """Whether another process has registered, promoted or rolled back a version since."""
        return self._registry_time() != self._read_at

    @property
    def drifted(self) -> int:
        """How many channels have drifted."""
        return sum(row["status"] == "retrain" for row in self.drift.values())

    @property
    def drift_table(self) -> pd.DataFrame:
        """Drift of the channels for which it could be computed."""
        table = pd.DataFrame([*self.drift.values()], columns=list(DRIFT_COLUMNS))
        return table[table["status"] != "failed"]

    def read(self) -> None:
        """Read the registry; drift of what is no champion any more is forgotten."""
        self.fleet = self._session.overview()
        registry = self._session.registry
        models = registry.list(assets=True)
        self._read_at = self._registry_time()
        self._models = {info.id: info for info in models}
        self._by_channel = {}
        for info in models:
            self._by_channel.setdefault(info.channel, []).append(info)
        loaded = {info.id: info.run_id in registry.cache for info in models}
        self.table = model_table(self._session, models, self.assets, loaded)
        champions = {info.id for info in models if "champion" in info.aliases}
        self.drift = {model: row for model, row in self.drift.items() if model in champions}
        self.select()

    def select(self) -> None:
        """List the versions that pass the filters, as far as the chosen one at least."""
        self.listed = self.filters.select(self.table, self.drift)
        place = self.listed["model"].tolist().index(self.model) if self.model in set(self.listed["model"]) else 0
        self.limit = max(self.limit, place + 1)

    def set_filters(self, filters: ModelFilters) -> None:
        """List what other filters let pass, from the top.

        Parameters
        ----------
        filters : ModelFilters
            Filters and order.
        """
        self.filters = filters
        self.limit = PAGE
        self.select()

    def choose(self, model: str, channel: str) -> None:
        """Choose the version that is shown.

        Parameters
        ----------
        model : str
            Id of the version; the default of the channel where empty.
        channel : str
            Selected channel.

        Raises
        ------
        ViewError
            No such version is registered.
        """
        if model and model not in self._models:
            raise ViewError(f"No model {model!r} is registered.", "Choose one of the list.")
        self.model = model or self.default(channel)

    def settle(self, channel: str) -> None:
        """Choose the default of a channel where the chosen version is not registered.

        Parameters
        ----------
        channel : str
            Selected channel.
        """
        if self.model not in self._models:
            self.model = self.default(channel)

    def default(self, channel: str) -> str:
        """Return the version that is chosen with a channel.

        Parameters
        ----------
        channel : str
            Name of the channel; the first one with a version where empty.

        Returns
        -------
        str
            Id of its champion, else of its newest version; empty where it has no version.
        """
        name = channel or next((info.channel for info in self._models.values()), "")
        own = [info for info in self.versions(name) if not info.of_asset] or self.versions(name)
        if any("champion" in info.aliases for info in own):
            return choose_champion(own, name, None).id
        return max(own, key=lambda info: info.created).id if own else ""

    def versions(self, channel: str) -> list[ModelInfo]:
        """Return all versions of a channel.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        list of ModelInfo
        """
        return list(self._by_channel.get(channel, ()))

    def row(self) -> Mapping[str, Any]:
        """Return the chosen version's row of the table.

        Returns
        -------
        mapping of str to object
            Empty where no version is chosen.
        """
        rows = self.table[self.table["model"] == self.model].to_dict(orient="records")
        return {str(key): value for key, value in rows[0].items()} if rows else {}

    def undrifted(self) -> list[str]:
        """Return the channels that have a model and whose drift has not been computed.

        Returns
        -------
        list of str
        """
        looked_at = {row["channel"] for row in self.drift.values()}
        return [name for name in self.fleet["channel"] if name in self._by_channel and name not in looked_at]

    def drift_of(self, channels: Iterable[str]) -> Iterable[dict[str, Any]]:
        """Compute the drift of channels, one after the other.

        Parameters
        ----------
        channels : iterable of str
            Names of the channels.

        Yields
        ------
        dict
            Row of `ModelLife.drift`.
        """
        for name in channels:
            row = self._session.models.drift([name]).to_dict(orient="records")[0]
            yield {str(key): value for key, value in row.items()}

    def add_drift(self, row: dict[str, Any]) -> None:
        """Add the drift of one more channel.

        Parameters
        ----------
        row : dict
            Row of `ModelLife.drift`.
        """
        self.drift[row["model"] or row["channel"]] = row

    def _registry_time(self) -> float:
        database = self._session.registry.location.database
        return database.stat().st_mtime if database is not None and database.exists() else 0.0
