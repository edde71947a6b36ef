"""The catalog: names, units, limits and criticality of assets, subsystems and channels.

It is a YAML file that people edit: names, units, limits and how much depends on each channel. What it
does not list is derived from the archive, so that nothing has to be written down to begin.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from workbench.exceptions import CatalogError
from workbench.paths import product_path
from workbench.yaml_text import read_yaml

if TYPE_CHECKING:
    from workbench.telemetry.archive import ChannelInfo

__all__ = ["Asset", "Catalog", "CatalogChannel", "Limits", "default_catalog_path"]

_LIMIT_ORDER = ("critical_low", "warning_low", "warning_high", "critical_high")

Limit = Annotated[float, Field(allow_inf_nan=False)]
Criticality = Annotated[int, Field(ge=1, le=5)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Entry):
    """Limits of a channel in its units; those that are given must rise in this order.

    Attributes
    ----------
    critical_low, warning_low, warning_high, critical_high : float or None
        None where there is no such limit.
    """

    critical_low: Limit | None = None
    warning_low: Limit | None = None
    warning_high: Limit | None = None
    critical_high: Limit | None = None

    @field_validator(*_LIMIT_ORDER)
    @classmethod
    def _rises(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is None:
            return value
        for name in _LIMIT_ORDER[: _LIMIT_ORDER.index(str(info.field_name))]:
            below = info.data.get(name)
            if below is not None and value <= below:
                raise ValueError(f"must be above {name} ({below:g})")
        return value


class Asset(_Entry):
    """A spacecraft or machine.

    Attributes
    ----------
    name : str
        What people call it.
    kind : str
        `satellite`, `rover`, `machine` or the like.
    description : str
        What it is, in a sentence.
    criticality : int or None
        How much depends on it, from 1 (little) to 5 (everything); None where nobody has said.
    subsystems : dict of str to str
        Name of each subsystem by the key that its channels carry.
    """

    name: str
    kind: str = ""
    description: str = ""
    criticality: Criticality | None = None
    subsystems: dict[str, str] = Field(default_factory=dict)


class CatalogChannel(_Entry):
    """One signal of an asset.

    Attributes
    ----------
    asset : str
        Key of its asset.
    subsystem : str
        Key of its subsystem.
    units : str
        Units of its telemetry and limits; empty where unknown.
    description : str
        What it measures.
    criticality : int or None
        From 1 (little) to 5 (everything); None where nobody has said.
    limits : Limits
        Limits of the channel, in its units.
    """

    asset: str
    subsystem: str = ""
    units: str = ""
    description: str = ""
    criticality: Criticality | None = None
    limits: Limits = Limits()


class Catalog(_Entry):
    """Assets and channels by name.

    Attributes
    ----------
    assets : dict of str to Asset
        Assets by key.
    channels : dict of str to CatalogChannel
        Channels by name.
    """

    assets: dict[str, Asset] = Field(default_factory=dict)
    channels: dict[str, CatalogChannel] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _refers_to_what_is_listed(self) -> Self:
        for name, channel in self.channels.items():
            asset = self.assets.get(channel.asset)
            if asset is None:
                names = ", ".join(self.assets) or "none"
                raise ValueError(f"channels.{name}.asset: {channel.asset!r} is not one of the assets ({names})")
            if channel.subsystem and channel.subsystem not in asset.subsystems:
                names = ", ".join(asset.subsystems) or "none"
                raise ValueError(
                    f"channels.{name}.subsystem: {channel.subsystem!r} is not one of {channel.asset}'s ({names})"
                )
        return self

    @classmethod
    def load(cls, path: Path | str | None = None) -> Self:
        """Read a catalog from a file.

        Parameters
        ----------
        path : Path or str, optional
            YAML file; the product's own where omitted.

        Returns
        -------
        Catalog

        Raises
        ------
        CatalogError
            The file is missing or not YAML, a key is there twice, or a key or value is wrong; the message names
            file and key.
        """
        file = default_catalog_path() if path is None else Path(path)
        try:
            content = read_yaml(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise CatalogError(
                f"Catalog {file} cannot be read: {error.strerror}.", "Set `catalog` in workbench.yaml to a YAML file."
            ) from None
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise CatalogError(f"Catalog {file} is not YAML: {error}") from None
        if content is None:
            content = {}
        if not isinstance(content, dict):
            raise CatalogError(
                f"Catalog {file} must be a mapping, not {type(content).__name__}.",
                "Give it the keys `assets` and `channels`.",
            )
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise CatalogError(f"Catalog {file}: {_explain(error)}.") from None

    def asset(self, name: str) -> Asset:
        """Describe an asset; one that is not listed has nothing but its name.

        Parameters
        ----------
        name : str
            Key of the asset.

        Returns
        -------
        Asset
        """
        return self.assets.get(name) or Asset(name=name)

    def channel(self, name: str, info: "ChannelInfo | None" = None) -> CatalogChannel:
        """Describe a channel; one that is not listed is derived from the archive.

        Parameters
        ----------
        name : str
            Name of the channel.
        info : ChannelInfo, optional
            What the archive knows of the channel: its asset, subsystem and units are taken where the
            catalog does not list it. Without it the part of the name before the first dash is the
            subsystem and the asset is empty.

        Returns
        -------
        CatalogChannel

        Examples
        --------
        >>> Catalog().channel("P-1").subsystem
        'P'
        """
        listed = self.channels.get(name)
        if listed is not None:
            return listed
        if info is not None:
            return CatalogChannel(asset=info.asset, subsystem=info.subsystem, units=info.units)
        prefix, dash, _ = name.partition("-")
        return CatalogChannel(asset="", subsystem=prefix if dash else "")

    def subsystem_name(self, asset: str, subsystem: str) -> str:
        """Name of a subsystem, or its key where the catalog gives none.

        Parameters
        ----------
        asset, subsystem : str
            Keys of both.

        Returns
        -------
        str
        """
        return self.asset(asset).subsystems.get(subsystem, subsystem)


def default_catalog_path() -> Path:
    """Return the path of the product's own catalog.

    Returns
    -------
    Path
    """
    return product_path("data", "catalog.yaml")


def _explain(error: ValidationError) -> str:
    parts = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        parts.append(f"{key}: {message}{_received(item['type'], item['input'])}" if key else message)
    return "; ".join(parts)


def _received(kind: str, value: Any) -> str:
    return "" if kind == "missing" else f" (got {value!r})"
