"""The hierarchy of the asset register: what belongs to what, and where work on it stands."""

from collections.abc import Iterator, Mapping

from workbench.exceptions import MaintenanceError
from workbench.maintenance.orders.location import Location
from workbench.maintenance.register.items import KINDS, RATED_KINDS, RegisteredAsset, article
from workbench.maintenance.values import known_asset

__all__ = ["check_parent", "criticality_of", "find_item", "in_order", "line_of", "location_of_item"]


def find_item(items: Mapping[str, RegisteredAsset], name: str) -> RegisteredAsset:
    """Return an item by its name, or raise an error that names the nearest."""
    found = known_asset(name, lambda: items)
    if found not in items:  # the register is empty
        raise MaintenanceError(f"There is no asset {found!r}.", "Add it: workbench assets add.")
    return items[found]


def line_of(items: Mapping[str, RegisteredAsset], name: str) -> Iterator[RegisteredAsset]:
    """Yield an item and all that it belongs to, from the lowest up."""
    seen: set[str] = set()
    while name in items and name not in seen:
        seen.add(name)
        yield items[name]
        name = items[name].parent


def criticality_of(items: Mapping[str, RegisteredAsset], name: str) -> int | None:
    """Return the criticality of an item, or that of what it belongs to."""
    return next((one.criticality for one in line_of(items, name) if one.criticality is not None), None)


def location_of_item(items: Mapping[str, RegisteredAsset], item: RegisteredAsset) -> Location:
    """Return where orders of an item stand."""
    line = {one.kind: one for one in reversed([*line_of(items, item.name)])}
    if item.kind in RATED_KINDS:
        return Location(item.name)
    asset = line["asset"].name if "asset" in line else item.parent
    parts = {kind: line[kind].name.removeprefix(f"{line[kind].parent}/") for kind in KINDS[3:] if kind in line}
    return Location(asset, parts.get("subsystem", ""), parts.get("component", ""))


def in_order(items: Mapping[str, RegisteredAsset]) -> Iterator[RegisteredAsset]:
    """Yield all items, each after what it belongs to."""
    children: dict[str, list[RegisteredAsset]] = {}
    for item in items.values():
        children.setdefault(item.parent if item.parent in items else "", []).append(item)
    waiting = sorted(children.get("", ()), key=_rank, reverse=True)
    while waiting:
        item = waiting.pop()
        yield item
        waiting += sorted(children.get(item.name, ()), key=_rank, reverse=True)


def _rank(item: RegisteredAsset) -> tuple[int, str]:
    return KINDS.index(item.kind), item.name


def check_parent(items: Mapping[str, RegisteredAsset], kind: str, parent: str) -> None:
    """Raise an error where something of a level cannot belong to a parent."""
    allowed = {"subsystem": ("asset",), "component": ("asset", "subsystem")}.get(kind, KINDS[: KINDS.index(kind)])
    if not parent:
        if kind in RATED_KINDS:
            return
        raise MaintenanceError(
            f"{article(kind).capitalize()} belongs to {' or '.join(map(article, allowed))}, and none was named.",
            "Name it as its parent.",
        )
    above = find_item(items, parent)
    if above.kind not in allowed:
        fits = f"It can belong to {' or '.join(map(article, allowed))}." if allowed else "It belongs to nothing."
        raise MaintenanceError(
            f"{article(kind).capitalize()} cannot belong to {above.name}, {article(above.kind)}.", fits
        )
