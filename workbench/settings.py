"""Settings: `workbench.yaml`, then `workbench.<env>.yaml`, then `WORKBENCH_*` variables.

Later sources win. Nested keys are written with two underscores in a variable:
`WORKBENCH_DASHBOARD__PORT=8870`. A wrong key or value raises one `SettingsError` that names it.
"""

import os
from pathlib import Path
from typing import Annotated, Any

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

from workbench.exceptions import SettingsError
from workbench.maintenance.notification_options import NotificationOptions
from workbench.maintenance.options import AlertOptions
from workbench.maintenance.order_options import OrderOptions
from workbench.maintenance.schedule_options import ScheduleOptions
from workbench.paths import local_path

__all__ = [
    "LEVELS",
    "DashboardSettings",
    "DriftLimits",
    "Preset",
    "Settings",
    "SeverityLevels",
    "TelemanomParams",
    "load_settings",
]

LEVELS = ("info", "low", "medium", "high", "critical")
"""Severity levels in rising order (design, Look)."""


class TelemanomParams(BaseModel):
    """Parameters of the nonparametric dynamic threshold.

    The defaults are those of Telemanom 2.0's `config.yaml` [1]_; names are ours, Telemanom's in brackets.

    Attributes
    ----------
    sequence_length : int
        Inputs of one window [`l_s`], samples.
    prediction_horizon : int
        Targets of one window [`n_predictions`], samples; step 0 makes the error.
    batch_size : int
        Errors by which the error window moves, samples.
    window_size : int
        Batches in one error window.
    smoothing_fraction : float
        EWMA span as a fraction of the error window [`smoothing_perc`].
    error_buffer : int
        Samples added on each side of an anomalous error.
    min_decrease : float
        Least relative step between the maxima of two sequences that keeps the higher one [`p`].
    z_min, z_max, z_step : float
        Candidate thresholds: mean + z sd for z in `arange(z_min, z_max, z_step)`; `z_max` itself is
        used where no candidate is accepted.
    lag_correction : bool
        Whether a sequence begins and ends with the prediction error that reached epsilon, instead of with the
        smoothed error, which lags behind by half its span, and the buffer around it. Not in Telemanom.

    References
    ----------
    .. [1] Hundman et al., "Detecting Spacecraft Anomalies Using LSTMs and Nonparametric Dynamic
       Thresholding", KDD 2018, arXiv:1802.04431, section 3.2 and 3.3.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence_length: int = Field(250, ge=1, le=1_000_000)
    prediction_horizon: int = Field(10, ge=1, le=1_000_000)
    batch_size: int = Field(70, ge=1, le=1_000_000)
    window_size: int = Field(30, ge=1, le=1_000_000)
    smoothing_fraction: float = Field(0.05, gt=0, le=1)
    error_buffer: int = Field(100, ge=1, le=1_000_000_000)
    min_decrease: float = Field(0.13, ge=0, lt=1)
    z_min: float = Field(2.5, gt=0, le=1_000)
    z_max: float = Field(12.0, gt=0, le=1_000)
    z_step: float = Field(0.5, ge=0.001, le=1_000)
    lag_correction: bool = False

    @model_validator(mode="after")
    def _check(self) -> "TelemanomParams":
        if self.z_max <= self.z_min:
            raise ValueError(f"z_max ({self.z_max}) must be above z_min ({self.z_min})")
        if self.smoothing_span < 1:
            raise ValueError("smoothing_fraction x batch_size x window_size must give a span of at least 1 sample")
        return self

    @property
    def smoothing_span(self) -> int:
        """Span of the EWMA in samples."""
        return int(self.batch_size * self.window_size * self.smoothing_fraction)


class Preset(TelemanomParams):
    """Named detection settings: the parameters of the threshold, and what predicts.

    Attributes
    ----------
    forecasters : dict of str to float
        Forecasters whose champions predict together, and the weight of each one's prediction in their mean; those
        that a channel has no champion of are left out. Empty: the channel's champion alone.
    """

    forecasters: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = {}


_PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "workbench": {"forecasters": {"lstm": 3, "ridge": 1}, "smoothing_fraction": 0.07, "lag_correction": True},
}


class SeverityLevels(BaseModel):
    """Least severity score of each level above `info`.

    The score of an anomaly says how far its smoothed error lies from epsilon, in units of the error window's mean
    plus standard deviation. The defaults double from step to step; among the anomalies that ridge finds on NASA's
    channels they set apart about a tenth below `low`, half below `high`, and a tenth as `critical`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float = Field(2.0, ge=0, allow_inf_nan=False)
    medium: float = Field(4.0, ge=0, allow_inf_nan=False)
    high: float = Field(8.0, ge=0, allow_inf_nan=False)
    critical: float = Field(16.0, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _check(self) -> "SeverityLevels":
        if not self.low <= self.medium <= self.high <= self.critical:
            raise ValueError("levels must rise: low <= medium <= high <= critical")
        return self

    def level(self, severity: float) -> str:
        """Name the level of a severity score.

        Examples
        --------
        >>> SeverityLevels().level(9.5)
        'high'
        """
        for name in ("critical", "high", "medium", "low"):
            if severity >= getattr(self, name):
                return name
        return "info"


class DriftLimits(BaseModel):
    """Above which training a model again is proposed.

    With ridge on NASA's channels the defaults propose it for 18 of 82: 9 lie above the distance, 16 above the ratio,
    where three quarters have a ratio below 2.2.

    Attributes
    ----------
    ks : float
        Kolmogorov-Smirnov distance between training and test telemetry, 0 to 1.
    error_ratio : float
        Typical prediction error on the test series in multiples of the validation error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ks: float = Field(0.7, ge=0, le=1)
    error_ratio: float = Field(3.0, gt=0, allow_inf_nan=False)


class DashboardSettings(BaseModel):
    """Where and how `workbench dashboard` serves.

    Attributes
    ----------
    host : str
        Address to listen on; one that others reach needs a token.
    port : int
        TCP port.
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
    token: SecretStr = SecretStr("")
    kernels: int = Field(8, ge=1, le=1_000)
    idle_minutes: int = Field(10, ge=1, le=525_600)


class Settings(BaseSettings):
    """All settings of a workbench.

    Attributes
    ----------
    home : Path
        Folder of the archive, registry, maintenance database and reports.
    catalog : Path or None
        Catalog of assets and channels; None takes `data/catalog.yaml` of the product.
    tracking_uri : str or None
        MLflow tracking and registry; None takes SQLite in `home`.
    preset : str
        Name of the detection preset in use.
    presets : dict of str to Preset
        Named detection parameters.
    severity : SeverityLevels
        Severity score at which each level begins.
    drift : DriftLimits
        Above which training a model again is proposed.
    seed : int
        Seed of everything random.
    workers : int
        Processes that work on channels at once.
    model_cache_bytes : int
        Budget of loaded models, bytes.
    dashboard : DashboardSettings
        Address of the dashboard.
    database_url : str or None
        Maintenance database; None takes SQLite in `home`.
    alerts : AlertOptions
        When alerts are raised, and what becomes of them.
    orders : OrderOptions
        When work orders open by themselves, and what they begin with.
    schedule : ScheduleOptions
        Maintenance windows and the weights of the schedule.
    notifications : NotificationOptions
        Who is told of alerts, and how soon.
    """

    model_config = SettingsConfigDict(
        env_prefix="WORKBENCH_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    home: Path = Path("data/local")
    catalog: Path | None = None
    tracking_uri: str | None = None
    preset: str = "workbench"
    presets: dict[str, Preset] = Field(default_factory=dict)
    severity: SeverityLevels = SeverityLevels()
    drift: DriftLimits = DriftLimits()
    seed: int = Field(0, ge=0, lt=2**32)
    workers: int = Field(1, ge=1, le=1_024)
    model_cache_bytes: int = Field(256 * 2**20, ge=0, le=2**60)
    dashboard: DashboardSettings = DashboardSettings()
    database_url: str | None = None
    alerts: AlertOptions = AlertOptions()
    orders: OrderOptions = OrderOptions()
    schedule: ScheduleOptions = ScheduleOptions()
    notifications: NotificationOptions = NotificationOptions()

    @field_validator("home", "catalog", mode="before")
    @classmethod
    def _local(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, str | Path):
            try:
                return local_path(str(info.field_name), value)
            except SettingsError as error:
                raise ValueError(f"a URL is no path. {error.hint}") from None
        return value

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

    @property
    def params(self) -> Preset:
        """Detection parameters of the preset in use."""
        return self.presets[self.preset]

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
    def reports_path(self) -> Path:
        """Folder of the reports."""
        return self.home / "reports"


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

    class Sourced(Settings):
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
            layers = [YamlConfigSettingsSource(settings_cls, yaml_file=file) for file in reversed(files)]
            return (init_settings, env_settings, *layers)

    try:
        settings = Sourced(**overrides)
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None
    except ValueError as error:  # pydantic-settings cannot parse a variable
        raise SettingsError(f"Settings: {error}") from None
    update = {
        name: folder / value
        for name, value in (("home", settings.home), ("catalog", settings.catalog))
        if value is not None and not value.is_absolute()
    }
    from workbench.tuned import with_tuned

    # A plain Settings: one that other processes can be given.
    return Settings.model_construct(**with_tuned({**dict(settings), **update}, settings.model_fields_set))


def _check_files(files: list[Path]) -> None:
    for file in files:
        if not file.exists():
            continue
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file} is not YAML: {error}") from None
        if content is not None and not isinstance(content, dict):
            raise SettingsError(f"{file} must be a mapping of settings, not {type(content).__name__}.")


def _check_variables() -> None:
    known = {name.upper() for name in Settings.model_fields} | {"ENV"}
    for variable in os.environ:
        if variable.startswith("WORKBENCH_"):
            name = variable.removeprefix("WORKBENCH_").split("__")[0]
            if name not in known:
                raise SettingsError(
                    f"{variable} is not a setting.", f"Known: {', '.join('WORKBENCH_' + key for key in sorted(known))}."
                )


def _explain(error: ValidationError) -> str:
    parts = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"]) or "settings"
        message = item["msg"].removeprefix("Value error, ")
        parts.append(f"{key}: {message} (got {item['input']!r})" if item["loc"] else f"{key}: {message}")
    return "Settings: " + "; ".join(parts)
