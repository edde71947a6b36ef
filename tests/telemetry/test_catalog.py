from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from workbench.exceptions import CatalogError
from workbench.telemetry.archive import Archive
from workbench.telemetry.catalog import Catalog, default_catalog_path

GOOD = """
assets:
  XAVER: {name: Xaver, kind: machine, criticality: 4, subsystems: {X: Drive}}
channels:
  X-1:
    asset: XAVER
    subsystem: X
    units: bar
    limits: {critical_low: 1, warning_low: 2, warning_high: 5, critical_high: 6.5}
"""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "catalog.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_catalog_tells_what_it_lists(tmp_path: Path):
    catalog = Catalog.load(written(tmp_path, GOOD))
    channel = catalog.channel("X-1")
    assert (channel.asset, channel.subsystem, channel.units, channel.criticality) == ("XAVER", "X", "bar", None)
    assert list(channel.limits.model_dump().values()) == [1, 2, 5, 6.5]
    assert catalog.asset("XAVER").kind == "machine"
    assert catalog.subsystem_name("XAVER", "X") == "Drive"


def test_what_is_not_listed_is_derived(tmp_path: Path, tiny_archive: Archive):
    catalog = Catalog.load(written(tmp_path, GOOD))
    info = replace(tiny_archive.info("X-2"), units="V")
    derived = catalog.channel("X-2", info)
    assert (derived.asset, derived.subsystem, derived.units) == ("XAVER", "X", "V")
    assert set(derived.limits.model_dump().values()) == {None}
    assert catalog.channel("Q-7").subsystem == "Q"
    assert catalog.channel("oil").subsystem == ""
    assert catalog.asset("OTHER").name == "OTHER"
    assert catalog.subsystem_name("OTHER", "Q") == "Q"


def test_what_is_listed_wins_over_the_archive(tmp_path: Path, tiny_archive: Archive):
    assert Catalog.load(written(tmp_path, GOOD)).channel("X-1", tiny_archive.info("X-1")).units == "bar"


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "assets: {}\n"])
def test_an_empty_catalog_is_one(tmp_path: Path, text: str):
    assert Catalog.load(written(tmp_path, text)) == Catalog()


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ("warning_high: 5", "warning_high: 7", "channels.X-1.limits.critical_high", "must be above warning_high (7)"),
        ("warning_high: 5", "warning_high: 2", "channels.X-1.limits.warning_high", "must be above warning_low (2)"),
        ("warning_low: 2", "warning_low: 0.5", "channels.X-1.limits.warning_low", "must be above critical_low (1)"),
        ("warning_high: 5", "warning_high: .nan", "channels.X-1.limits.warning_high", "finite"),
        ("warning_high: 5", "warning_high: high", "channels.X-1.limits.warning_high", "'high'"),
        ("warning_high: 5", "upper: 5", "channels.X-1.limits.upper", "not permitted"),
        ("criticality: 4", "criticality: 6", "assets.XAVER.criticality", "(got 6)"),
        ("name: Xaver", "label: Xaver", "assets.XAVER.name", "required"),
        ("asset: XAVER", "asset: YVES", "channels.X-1.asset", "'YVES' is not one of the assets (XAVER)"),
        ("subsystem: X", "subsystem: Z", "channels.X-1.subsystem", "'Z' is not one of XAVER's (X)"),
        ("channels:", "chanels:", "chanels", "not permitted"),
        ("  X-1:", "  1:", "channels.1", "valid string"),
    ],
)
def test_an_error_names_file_and_key(tmp_path: Path, old: str, new: str, key: str, says: str):
    assert old in GOOD
    file = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(CatalogError) as caught:
        Catalog.load(file)
    message = str(caught.value)
    assert str(file) in message
    assert key in message
    assert says in message


def test_all_errors_are_told_at_once(tmp_path: Path):
    file = written(tmp_path, GOOD.replace("criticality: 4", "criticality: 0").replace("units: bar", "units: [bar]"))
    with pytest.raises(CatalogError, match=r"assets\.XAVER\.criticality.*channels\.X-1\.units"):
        Catalog.load(file)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"assets: [", "is not YAML"),
        (b"\xff\xfe\x00", "is not YAML"),
        (b"- a\n- b\n", "must be a mapping, not list"),
        (b"!!python/object/apply:os.system ['true']", "is not YAML"),
    ],
)
def test_a_file_that_is_no_catalog(tmp_path: Path, content: bytes, says: str):
    file = tmp_path / "catalog.yaml"
    file.write_bytes(content)
    with pytest.raises(CatalogError, match=says):
        Catalog.load(file)


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_catalog_that_cannot_be_read(tmp_path: Path, name: str):
    with pytest.raises(CatalogError, match="cannot be read"):
        Catalog.load(tmp_path / name)


def test_a_catalog_does_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        Catalog().assets = {}  # type: ignore[misc]


def test_the_products_catalog_is_found_in_a_checkout():
    assert default_catalog_path() == Path(__file__).parents[2] / "data" / "catalog.yaml"


def test_an_installed_catalog_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("workbench.paths.PACKAGE", tmp_path / "site" / "workbench")
    installed = tmp_path / "site" / "workbench" / "data" / "catalog.yaml"
    installed.parent.mkdir(parents=True)
    installed.write_text(GOOD, encoding="utf-8")
    assert default_catalog_path() == installed
    assert Catalog.load().asset("XAVER").name == "Xaver"


def test_nasas_assets_say_no_more_than_nasa():
    catalog = Catalog.load()
    assert not [name for name, channel in catalog.channels.items() if channel.asset in ("SMAP", "MSL")]
    for asset in ("SMAP", "MSL"):
        listed = catalog.assets[asset]
        explained = {key: name for key, name in listed.subsystems.items() if name != f"Group {key}"}
        assert explained.items() <= {"P": "Power", "R": "Radiation"}.items()
        assert listed.criticality is None
