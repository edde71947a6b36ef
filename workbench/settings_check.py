"""Settings and catalog compared with the archive before any work begins.

Training a fleet takes minutes. What would stop the work after that (a template that cannot be filled in, a limit of a
channel that does not exist) is told first.
"""

from collections.abc import Collection, Iterator

from workbench.exceptions import CatalogError, ForecasterError, MaintenanceError, SettingsError
from workbench.maintenance.options import OrderOptions
from workbench.maintenance.orders.checklists import from_json
from workbench.maintenance.orders.failure_codes import FAILURE_MODES
from workbench.maintenance.orders.priority import PRIORITIES
from workbench.maintenance.orders.states import ORDER_TYPES
from workbench.settings import Settings
from workbench.telemetry.archive import Archive
from workbench.telemetry.catalog import Catalog

__all__ = ["check_forecaster", "check_parts", "check_preset", "check_settings"]


def check_settings(settings: Settings, catalog: Catalog, archive: Archive) -> None:
    """Check that settings and catalog can be used with what the archive holds.

    Parameters
    ----------
    settings : Settings
        Settings to check.
    catalog : Catalog
        Catalog of these settings.
    archive : Archive
        While it is empty, only what does not depend on its channels is checked.

    Raises
    ------
    CatalogError
        The user's catalog gives limits to a channel that the archive does not hold, or places one on another asset. The
        product's own catalog describes more fleets than one, and is not compared.
    SettingsError
        A preset, template or operating hours name what does not exist, or a template cannot be filled in.
    """
    described, damaged = archive.infos()
    assets = {info.channel: info.asset for info in described}
    assets |= {name: archive.asset_of(name)[0] for name in damaged}
    if settings.catalog is not None and assets:
        faults = list(_catalog_faults(catalog, assets))
        if faults:
            raise CatalogError(
                f"Catalog {settings.catalog}: {'; '.join(faults)}.",
                "Correct it, or import the channel first. What there is: workbench channels",
            )
    faults = [*_preset_faults(settings), *_template_faults(settings.orders)]
    if assets:
        places = {(info.asset, info.subsystem) for info in described}
        places |= {(asset, key) for asset, entry in catalog.assets.items() for key in ("", *entry.subsystems)}
        faults += _place_faults(settings, {*assets.values(), *catalog.assets}, places)
    if faults:
        raise SettingsError(f"Settings: {'; '.join(faults)}.", "Correct workbench.yaml or the WORKBENCH_ variable.")


def check_preset(settings: Settings, preset: str | None) -> None:
    """Check that settings have a preset; none asks for the one in use.

    Raises
    ------
    SettingsError
        They have no such preset.
    """
    if preset is not None and preset not in settings.presets:
        raise SettingsError(f"There is no preset {preset!r}.", f"Known: {', '.join(sorted(settings.presets))}.")


def check_forecaster(forecaster: str | None) -> None:
    """Check the name of a forecaster; none asks for each channel's champion.

    Raises
    ------
    ForecasterError
        There is no such forecaster.
    """
    if forecaster is not None and forecaster not in _forecasters():
        raise ForecasterError(f"There is no forecaster {forecaster!r}.", f"Known: {', '.join(sorted(_forecasters()))}.")


def check_parts(options: OrderOptions, parts: Collection[str]) -> None:
    """Check that the parts which templates of work orders need are known.

    Parameters
    ----------
    options : OrderOptions
        Options that hold the templates of work orders.
    parts : collection of str
        Names of the parts in the database.

    Raises
    ------
    SettingsError
        A template needs a part that is not known.
    """
    for name, template in options.templates.items():
        for part in template.parts:
            if part not in parts:
                raise SettingsError(
                    f"Settings: orders.templates.{name}.parts: there is no part {part!r}.",
                    f"Known: {', '.join(sorted(parts)) or 'none'}. Add it: workbench parts set {part}",
                )


def _forecasters() -> Collection[str]:
    from workbench.detection.forecasters import FORECASTERS

    return FORECASTERS.keys()


def _catalog_faults(catalog: Catalog, assets: dict[str, str]) -> Iterator[str]:
    for name, channel in catalog.channels.items():
        limited = any(value is not None for value in channel.limits.model_dump().values())
        if name not in assets:
            if limited:
                yield f"channels.{name} has limits, but the archive holds no such channel"
        elif channel.asset != assets[name] != "unknown":
            yield f"channels.{name}.asset is {channel.asset!r}, in the archive it is {assets[name]!r}"


def _preset_faults(settings: Settings) -> Iterator[str]:
    for name, preset in settings.presets.items():
        for forecaster in preset.forecasters:
            if forecaster not in _forecasters():
                names = ", ".join(sorted(_forecasters()))
                yield f"presets.{name}.forecasters: there is no forecaster {forecaster!r} (known: {names})"


def _template_faults(options: OrderOptions) -> Iterator[str]:
    for priority in options.due_days:
        if priority not in PRIORITIES:
            yield f"orders.due_days: there is no priority {priority!r} (known: {', '.join(PRIORITIES)})"
    for name, template in options.templates.items():
        key = f"orders.templates.{name}"
        if template.type not in ORDER_TYPES:
            yield f"{key}.type: {template.type!r} is no type of work order (known: {', '.join(ORDER_TYPES)})"
        try:
            template.title.format(asset="", subsystem="", channel="")
        except (LookupError, ValueError, AttributeError) as error:
            yield f"{key}.title: {template.title!r} cannot be filled in ({error}); asset, subsystem and channel can"
        try:
            from_json([dict(item) for item in template.checklist])
        except (MaintenanceError, LookupError, TypeError, ValueError, AttributeError) as error:
            yield f"{key}.checklist: {str(error).rstrip('.')}"
        for part, pieces in template.parts.items():
            if pieces < 1:
                yield f"{key}.parts: {pieces} pieces of {part} are no need"


def _place_faults(settings: Settings, assets: Collection[str], places: Collection[tuple[str, str]]) -> Iterator[str]:
    subsystems = {subsystem for _, subsystem in places}
    for name in settings.orders.templates:
        place, colon, mode = name.partition(":")
        if colon and mode not in FAILURE_MODES:
            yield f"orders.templates.{name}: {mode!r} is not a failure mode of ISO 14224, as VIB"
        if colon and not place:
            continue
        asset, slash, subsystem = place.rpartition("/")
        missing = (asset, subsystem) not in places if slash else place != "default" and place not in subsystems
        if missing:
            yield f"orders.templates.{name}: there is no such subsystem"
    for asset in settings.schedule.operating:
        if asset not in assets:
            yield f"schedule.operating.{asset}: there is no such asset (known: {', '.join(sorted(assets))})"
