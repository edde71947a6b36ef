"""The front end is built from its source, and knows every widget that the product makes."""

import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from ipywidgets.widgets.widget import _instances

import workbench as wb
from tests.conftest import make_tiny_archive
from workbench.views import VIEWS
from workbench.views.shell import Shell

SOURCE = Path(__file__).parents[2] / "frontend"
BUILT = files("workbench.dashboard") / "static"
LOCK = json.loads((SOURCE / "package-lock.json").read_text(encoding="utf-8"))["packages"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The classes that a page with all views open asks for: module, version, name."""
    home = tmp_path_factory.mktemp("front") / "home"
    make_tiny_archive(home)
    shell = Shell(wb.open(home=home))
    for name in VIEWS:
        shell.open(name)
    parts = {
        tuple(getattr(widget, f"_{part}_{what}") for what in ("module", "module_version", "name"))
        for widget in _instances.values()
        for part in ("model", "view")
        if widget.has_trait(f"_{part}_name") and getattr(widget, f"_{part}_name")
    }
    shell.close()
    return parts


def test_the_front_end_has_every_class_that_the_product_makes(made):
    script = (BUILT / "front.js").read_text(encoding="utf-8")
    assert len(made) > 40
    for module, _, name in made:
        assert f'"{module}"' in script or re.search(rf"\b{module}:", script), module
        assert re.search(rf"\b{name}\b", script), f"{name} of {module}"


def test_the_widgets_speak_the_protocol_of_the_bundled_packages(made):
    asked = {module: version for module, version, _ in made}
    assert set(asked) == {"@jupyter-widgets/base", "@jupyter-widgets/controls", "@bokeh/jupyter_bokeh", "anywidget"}
    assert asked["@jupyter-widgets/base"] == asked["@jupyter-widgets/controls"] == "2.0.0"


def test_the_licence_of_every_package_is_told():
    told = (BUILT / "front.licences.txt").read_text(encoding="utf-8")
    parts = told.split("-" * 80)
    names = [re.match(r"\s*(\S+) (\S+)\n", part).groups() for part in parts]
    assert {"@jupyter-widgets/base", "@jupyter-widgets/controls", "@lumino/widgets", "backbone", "jquery"} <= {
        name for name, _ in names
    }
    for (name, number), part in zip(names, parts, strict=True):
        assert LOCK[f"node_modules/{name}"]["version"] == number
        assert "copyright" in part.lower(), name


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm builds it")
def test_what_is_committed_is_what_the_source_gives(tmp_path):
    source = tmp_path / "frontend"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("node_modules"))
    for command in (["npm", "ci", "--no-audit", "--no-fund"], ["node", "build.mjs", str(tmp_path / "built")]):
        subprocess.run(command, cwd=source, check=True, stdin=subprocess.DEVNULL, timeout=600)
    built = {path.name: path.read_bytes() for path in (tmp_path / "built").iterdir()}
    assert built == {path.name: path.read_bytes() for path in BUILT.iterdir()}
