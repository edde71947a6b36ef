"""Settings: `workbench.yaml`, then `workbench.<env>.yaml`, then `WORKBENCH_*` variables.

Later sources win. Nested keys are written with two underscores in a variable:
`WORKBENCH_DASHBOARD__PORT=8870`. A wrong key or value raises one `SettingsError` that names it.
"""

import json
import os
import re
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from workbench.compute.place import Compute
from workbench.exceptions import SettingsError
from workbench.maintenance.options import AlertOptions, NotificationOptions, OrderOptions, ScheduleOptions
from workbench.parameters import LEVELS, DriftLimits, Preset, SeverityLevels, TelemanomParams
from workbench.paths import local_path
from workbench.telemetry.archiving.index_place import checked_index_url
from workbench.telemetry.feed_options import LiveSettings
from workbench.yaml_text import read_yaml

__all__ = [
    "LEVELS",
    "DashboardSettings",
    "DriftLimits",
    "LiveSettings",
    "Preset",
    "RetentionSettings",
    "Settings",
    "SeverityLevels",
    "TelemanomParams",
    "inherited_environment",
    "load_settings",
    "settings_environment",
]  # the plain values of `workbench.parameters` stood here, and may still be imported from here

_PASSWORD = re.compile(r"(?<=://)[^/@]*:.*(?=@)|(?:(?<=password=)|(?<=secret=))[^&']*")  # of a URL
_PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "workbench": {
        "forecasters": {"lstm": 3, "ridge": 1},
        "smoothing_fraction": 0.07,
        "least_error_of": "range",
        "lag_correction": True,
        "envelope": "fixed",
    },
}


class DashboardSettings(BaseModel):
    """Address and limits of `workbench dashboard`.

    Attributes
    ----------
    host : str
        Address to listen on; one that others reach needs a token.
    port : int
        TCP port.
    public_url : str or None
        Address at which people reach the dashboard, as `https://workbench.example`; messages then hold links that
        acknowledge their alert.
    token : SecretStr
        What a reader signs in with; none is asked for where it is empty.
    kernels : int
        Most pages served at a time.
    idle_minutes : int
        After this time without a message the kernel of a page that is no longer connected is ended.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(8866, ge=0, le=65535)
    public_url: str | None = None
    token: SecretStr = SecretStr("")
    kernels: int = Field(8, ge=1, le=1_000)
    idle_minutes: int = Field(10, ge=1, le=525_600)

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        plain = not (parts.query or parts.fragment or parts.username or parts.password) and port != 0
        if parts.scheme not in ("http", "https") or not parts.hostname or not plain or any(map(str.isspace, value)):
            raise ValueError("write the address of the dashboard as https://workbench.example")
        return value.rstrip("/")


class RetentionSettings(BaseModel):
    """How long samples are kept; `workbench channels retain` removes what is older.

    Attributes
    ----------
    days : int or None
        Days that samples are kept; None keeps all.
    assets : dict of str to int or None
        The same for single assets, by id.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: int | None = Field(None, ge=1, le=1_000_000)
    assets: dict[str, Annotated[int, Field(ge=1, le=1_000_000)] | None] = Field(default_factory=dict)

    def days_of(self, asset: str) -> int | None:
        """Return how many days the samples of an asset are kept; None keeps all.

        Examples
        --------
        >>> RetentionSettings(days=400, assets={"Pump-1": 30}).days_of("Pump-1")
        30
        """
        return self.assets.get(asset, self.days)


class Settings(BaseSettings):
    """All settings of a workbench.

    Attributes
    ----------
    home : Path
        Folder of the archive, registry, maintenance database and reports.
    home_id : str or None
        Identity that the home must have, as in its `home.json`; None takes whatever is there.
    catalog : Path or None
        Catalog of assets and channels; None takes `data/catalog.yaml` of the product.
    tracking_uri : str or None
        MLflow tracking and registry; None takes SQLite in `home`.
    preset : str
        Name of the detection preset in use.
    presets : dict of str to Preset
        Named detection parameters.
    max_gap_seconds : float or None
        Longest gap behind which a series does not begin anew, for all presets; None leaves it to each of them. See
        `TelemanomParams`.
    severity : SeverityLevels
        Severity score at which each level begins.
    drift : DriftLimits
        Above which training a model again is proposed.
    seed : int
        Seed of everything random.
    compute : str or None
        Where work on many channels is done: `local`, `processes:N`, or `tcp://HOST:PORT` of a Dask scheduler; None
        leaves it to `workers`.
    workers : int
        Processes that work on channels at once, where `compute` says nothing.
    model_cache_bytes : int
        Budget of loaded models, bytes.
    dashboard : DashboardSettings
        Address of the dashboard.
    retention : RetentionSettings
        How long samples are kept.
    database_url : str or None
        Maintenance database; None takes SQLite in `home`.
    index_url : str or None
        PostgreSQL database of the index of the archive; None takes SQLite in the archive.
    alerts : AlertOptions
        When alerts are raised, and what becomes of them.
    orders : OrderOptions
        When work orders open by themselves, and what they begin with.
    schedule : ScheduleOptions
        Maintenance windows and the weights of the schedule.
    notifications : NotificationOptions
        Who is told of alerts and work orders, and how soon.
    live : LiveSettings
        Where live telemetry comes from, and what becomes of it.
    """

    model_config = SettingsConfigDict(
        env_prefix="WORKBENCH_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    home: Path = Path("data/local")
    home_id: str | None = None
    catalog: Path | None = None
    tracking_uri: str | None = None
    preset: str = "workbench"
    presets: dict[str, Preset] = Field(default_factory=dict)
    max_gap_seconds: float | None = Field(None, gt=0, allow_inf_nan=False)
    severity: SeverityLevels = SeverityLevels()
    drift: DriftLimits = DriftLimits()
    seed: int = Field(0, ge=0, lt=2**32)
    compute: str | None = None
    workers: int = Field(1, ge=1, le=1_024)
    model_cache_bytes: int = Field(256 * 2**20, ge=0, le=2**60)
    dashboard: DashboardSettings = DashboardSettings()
    retention: RetentionSettings = RetentionSettings()
    database_url: str | None = None
    index_url: str | None = None
    alerts: AlertOptions = AlertOptions()
    orders: OrderOptions = OrderOptions()
    schedule: ScheduleOptions = ScheduleOptions()
    notifications: NotificationOptions = NotificationOptions()
    live: LiveSettings = LiveSettings()

    @field_validator("home", "catalog", mode="before")
    @classmethod
    def _local(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, str | Path):
            try:
                return local_path(str(info.field_name), value)
            except SettingsError as error:
                raise ValueError(f"a URL is no path. {error.hint}") from None
        return value

    @field_validator("compute")
    @classmethod
    def _is_a_place(cls, value: str | None) -> str | None:
        if value is not None:
            Compute.parse(value)
        return value

    @field_validator("index_url")
    @classmethod
    def _is_on_a_server(cls, value: str | None) -> str | None:
        return checked_index_url(value) if value else None

    @model_validator(mode="before")
    @classmethod
    def _built_in_presets(cls, values: Any) -> Any:
        if isinstance(values, dict):
            presets = values.get("presets") or {}
            if isinstance(presets, dict):
                values["presets"] = {**_PRESETS, **presets}
        return values

    @model_validator(mode="after")
    def _preset_exists(self) -> "Settings":
        if self.preset not in self.presets:
            raise ValueError(f"preset {self.preset!r} is not one of {sorted(self.presets)}")
        return self

    @model_validator(mode="after")
    def _longest_gap_of_all_presets(self) -> "Settings":
        if self.max_gap_seconds is not None:
            for name, preset in self.presets.items():
                self.presets[name] = preset.model_copy(update={"max_gap_seconds": self.max_gap_seconds})
        return self

    @property
    def params(self) -> Preset:
        """Detection parameters of the preset in use."""
        return self.presets[self.preset]

    @property
    def journal_path(self) -> Path:
        """Samples that came and are on their way into the archive."""
        return self.home / "live.db"

    @property
    def place(self) -> Compute:
        """Where work on many channels is done."""
        return Compute(processes=self.workers) if self.compute is None else Compute.parse(self.compute)

    @property
    def archive_path(self) -> Path:
        """The Zarr store of telemetry and scores."""
        return self.home / "archive.zarr"

    @property
    def registry_path(self) -> Path:
        """Folder of the model registry."""
        return self.home / "registry"

    @property
    def maintenance_url(self) -> str:
        """URL of the maintenance database."""
        return self.database_url or f"sqlite:///{self.home.absolute() / 'maintenance.db'}"

    @property
    def attachments_path(self) -> Path:
        """Folder of the files that are attached to work orders and requests."""
        return self.home / "attachments"

    @property
    def reports_path(self) -> Path:
        """Folder of the reports."""
        return self.home / "reports"


_FILES: ContextVar[list[Path]] = ContextVar("_FILES")
"""Files that settings are being read from; the last of them wins."""


class _Sourced(Settings):
    """Settings that are read from files and the environment; made once, as kernels of the dashboard share it."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings
        layers = [YamlConfigSettingsSource(settings_cls, yaml_file=file) for file in reversed(_FILES.get())]
        return (init_settings, env_settings, *layers)


def load_settings(folder: Path | str = ".", **overrides: Any) -> Settings:
    """Read the settings that hold in a folder.

    Parameters
    ----------
    folder : Path or str
        Where `workbench.yaml` and `workbench.<env>.yaml` are looked for; the environment is named by
        `WORKBENCH_ENV`. A relative `home` or `catalog` is taken from here.
    **overrides
        Values that win over every other source.

    Returns
    -------
    Settings

    Raises
    ------
    SettingsError
        A file is not YAML, or a key or value is wrong; the message names each offending key and its source.
    """
    folder = local_path("folder", folder)
    environment = os.environ.get("WORKBENCH_ENV")
    files = [folder / "workbench.yaml"]
    if environment:
        files.append(folder / f"workbench.{environment}.yaml")
        if not files[-1].exists():
            raise SettingsError(
                f"WORKBENCH_ENV is {environment!r} but {files[-1]} does not exist.", "Create it or unset WORKBENCH_ENV."
            )
    _check_files(files)
    _check_variables()

    _FILES.set(files)
    try:
        settings = _Sourced(**overrides)
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None
    except ValueError as error:  # pydantic-settings cannot parse a variable
        raise SettingsError(f"Settings: {error}") from None
    update: dict[str, Any] = {
        name: folder / value
        for name, value in (("home", settings.home), ("catalog", settings.catalog))
        if value is not None and not value.is_absolute()
    }
    calendar = settings.notifications.on_call.calendar
    if calendar is not None:
        on_call = settings.notifications.on_call.model_copy(update={"calendar": (folder / calendar).absolute()})
        update["notifications"] = settings.notifications.model_copy(update={"on_call": on_call})
    from workbench.tuned import with_tuned

    # A plain Settings: one that other processes can be given.
    return Settings.model_construct(**with_tuned({**dict(settings), **update}, settings.model_fields_set))


def _check_files(files: list[Path]) -> None:
    for file in files:
        if not file.exists():
            continue
        try:
            content = read_yaml(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise SettingsError(f"{file} is not YAML: {error}") from None
        if content is not None and not isinstance(content, dict):
            raise SettingsError(f"{file} must be a mapping of settings, not {type(content).__name__}.")
        for key in content or ():
            if not isinstance(key, str):
                raise SettingsError(f"{file}: the key {key!r} is not a setting.", "Write the name of a setting.")


def _check_variables() -> None:
    names = {name.upper() for name in Settings.model_fields} | {"ENV"}
    for variable in os.environ:
        if variable.startswith("WORKBENCH_"):
            name = variable.removeprefix("WORKBENCH_").split("__")[0]
            if name not in names:
                raise SettingsError(
                    f"{variable} is not a setting.", f"Known: {', '.join('WORKBENCH_' + key for key in sorted(names))}."
                )


def _explain(error: ValidationError) -> str:
    parts = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"]) or "settings"
        message = item["msg"].removeprefix("Value error, ")
        value = item["input"]
        is_whole = not item["loc"] or isinstance(value, dict | BaseModel)  # the message names what is wrong in it
        parts.append(f"{key}: {message}" + ("" if is_whole else f" (got {_PASSWORD.sub('***', repr(value))})"))
    return "Settings: " + "; ".join(parts)


def settings_environment(settings: Settings) -> dict[str, str]:
    """Return settings as the environment variables that restore them.

    Parameters
    ----------
    settings : Settings
        Relative paths are taken from the working directory.

    Returns
    -------
    dict of str to str
        `WORKBENCH_*`; a setting that is None, as it is where nothing was set, is left out, and so are tokens and the
        passwords of sources, which no kernel needs.
    """
    of_live = {"host": True, "token": True, "mqtt": {"user", "password"}, "opcua": {"user", "password"}}
    secrets: dict[str, Any] = {"dashboard": {"token"}, "live": of_live}
    values = settings.model_dump(mode="json", exclude=secrets)
    values = {name: value for name, value in values.items() if value is not None}
    values |= {name: _absolute(values[name]) for name in ("tracking_uri", "database_url") if name in values}
    values |= {name: str(getattr(settings, name).resolve()) for name in ("home", "catalog") if name in values}
    return {
        f"WORKBENCH_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }


def inherited_environment(settings: Settings) -> dict[str, str]:
    """Return the environment of another process that shall have these settings, in whatever folder it runs.

    Parameters
    ----------
    settings : Settings
        Settings of this process.

    Returns
    -------
    dict of str to str
        The variables of this process, with those of `settings_environment` in place of its `WORKBENCH_*`: a password
        that stands in one of them alone, without its user, would be refused.
    """
    others = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
    return others | settings_environment(settings)


def _absolute(url: str) -> str:
    """Return the URL of a SQLite file with its whole path, as another process in another folder needs it."""
    scheme, _, path = url.partition(":///")
    if not scheme.startswith("sqlite") or not path or path.startswith(("/", ":memory:")):
        return url
    return f"{scheme}:///{Path.cwd() / path}"
