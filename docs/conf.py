"""How Sphinx builds the documentation: `make docs`. Pages ask no other host for anything; warnings are errors."""

import ast
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import workbench

HERE = Path(__file__).parent
PACKAGE = Path(workbench.__file__).parent


def public_classes() -> dict[str, str]:
    """Where each public class is, by its short name; a name that two modules define is left out."""
    found: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(f"{module}.{node.name}")
    return {name: places[0] for name, places in found.items() if len(places) == 1}


def write_commands(app: Any) -> None:
    """Write the page of the command line from what the commands say of themselves."""
    del app
    page = HERE / "reference" / "commands.md"
    page.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "typer", "workbench.cli", "utils", "docs", "--name", "workbench"]
    options = ["--title", "Command line", "--output", str(page)]
    subprocess.run([*command, *options], check=True, capture_output=True, cwd=PACKAGE.parent)


def show_own_branch(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Show in a page's contents the branch that it is on: the whole tree on each page is two thirds of the build."""
    del app, page, template, doctree
    if "toctree" in context:
        whole_tree = context["toctree"]
        context["toctree"] = lambda **options: whole_tree(**(options | {"collapse": True}))


def setup(app: Any) -> None:
    """Write what is generated before anything is read, and shorten the contents before the theme draws them."""
    app.connect("config-inited", lambda app, config: write_commands(app))
    app.connect("html-page-context", show_own_branch, priority=400)


logging.getLogger("alembic").setLevel(logging.WARNING)

project = "Telemetry workbench"
release = version = workbench.__version__
project_copyright = "the authors of the telemetry workbench"
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
templates_path = ["templates"]
exclude_patterns = ["templates", "static"]
suppress_warnings = ["ref.python"]  # a word such as `title` may be the name of several attributes
default_role = "py:obj"  # `name` in a docstring is a link where there is such a name
myst_enable_extensions = ["deflist"]  # the glossary
myst_heading_anchors = 3

add_module_names = False
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "none"  # the docstrings say types, with shapes and units
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_preprocess_types = True
napoleon_type_aliases = {name: f":py:class:`~{place}`" for name, place in public_classes().items()}
python_maximum_signature_line_length = 100
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"Telemetry workbench {release}"
html_static_path = ["static"]
html_css_files = ["workbench.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5c8f", "color-brand-content": "#0b5c8f"},
    "dark_css_variables": {"color-brand-primary": "#7cc4f0", "color-brand-content": "#7cc4f0"},
}
