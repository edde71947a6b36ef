"""The three files that name dependencies say the same, and the code imports nothing that they do not name."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUNTIME = [Requirement(line) for line in PROJECT["dependencies"]]
OPTIONAL = [Requirement(line) for line in PROJECT["optional-dependencies"]["opcua"]]
DEVELOPMENT = [Requirement(line) for line in PROJECT["optional-dependencies"]["dev"]]
LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
EVERYWHERE = [Requirement(line) for line in LINES]  # some only on some Pythons
HERE = [pin for pin in EVERYWHERE if pin.marker is None or pin.marker.evaluate()]
PINNED = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in HERE}


def names(requirements: Iterable[Requirement]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in requirements}


def resolved(requirements: list[Requirement]) -> set[str]:
    """Every distribution that these requirements bring along here, by the metadata of what is installed."""
    found: set[tuple[str, str]] = set()
    waiting = [(requirement, frozenset({""})) for requirement in requirements]
    while waiting:
        requirement, extras = waiting.pop()
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        name = canonicalize_name(requirement.name)
        wanted = {"", *requirement.extras}
        if all((name, extra) in found for extra in wanted):
            continue
        found.update((name, extra) for extra in wanted)
        children = metadata.distribution(name).requires or []
        waiting += [(Requirement(line), frozenset(wanted)) for line in children]
    return {name for name, _ in found}


def imported(folder: Path) -> Iterator[tuple[str, str]]:
    """Each top-level package that a Python file under `folder` imports, with the file."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            for module in modules:
                yield module.split(".")[0], str(path.relative_to(ROOT))


def test_every_constraint_is_one_exact_version() -> None:
    form = r'[A-Za-z0-9._-]+==[A-Za-z0-9.!+_]+(; python_version (<|>=) "3\.\d+")?'
    malformed = [line for line in LINES if not re.fullmatch(form, line)]
    assert malformed == []
    assert len(PINNED) == len(HERE)
    assert list(PINNED) == sorted(PINNED)


@pytest.mark.parametrize("requirement", RUNTIME + OPTIONAL + DEVELOPMENT, ids=lambda requirement: requirement.name)
def test_each_direct_dependency_has_a_range_and_a_constraint_within_it(requirement: Requirement) -> None:
    assert any(part.operator in (">=", "~=") for part in requirement.specifier), "no least version"
    assert PINNED[canonicalize_name(requirement.name)] in requirement.specifier


def test_constraints_are_the_resolved_set_and_nothing_else() -> None:
    assert resolved(RUNTIME + DEVELOPMENT) == set(PINNED)


def test_what_is_installed_is_what_is_pinned() -> None:
    installed = {name: metadata.version(name) for name in PINNED}
    assert installed == PINNED


def test_each_direct_dependency_states_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for requirement in RUNTIME + OPTIONAL + DEVELOPMENT:
        assert re.search(rf'^    "{re.escape(requirement.name)}[^"]*", +# \w', text, re.MULTILINE), requirement.name


def test_extras_are_tested_in_the_same_range() -> None:
    ranges = {canonicalize_name(one.name): one.specifier for one in DEVELOPMENT}
    assert {canonicalize_name(one.name): one.specifier for one in OPTIONAL}.items() <= ranges.items()


def test_conda_environment_takes_its_versions_from_here() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = [item for item in environment["dependencies"] if isinstance(item, str)]
    (pip,) = [item["pip"] for item in environment["dependencies"] if isinstance(item, dict)]
    assert pip == ["--constraint constraints.txt", "--editable .[dev]"]
    (python,) = [Requirement(re.sub("(?<!=)=(?!=)", "==", item)) for item in conda if item.startswith("python")]
    (version,) = [part.version for part in python.specifier]
    assert version in SpecifierSet(PROJECT["requires-python"])
    assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [
        ("workbench", RUNTIME),
        ("benchmarks", RUNTIME + DEVELOPMENT),
        ("tests", RUNTIME + DEVELOPMENT),
    ],
)
def test_every_import_is_declared(folder: str, allowed: list[Requirement]) -> None:
    owners = metadata.packages_distributions()
    own = {"workbench", "benchmarks", "tests", *(path.stem for path in (ROOT / "tests").rglob("*.py"))}
    undeclared = {
        (package, path)
        for package, path in imported(ROOT / folder)
        if package not in sys.stdlib_module_names | own
        and not names(allowed) & {canonicalize_name(owner) for owner in owners.get(package, [package])}
    }
    assert undeclared == set()


def test_every_runtime_dependency_is_used() -> None:
    """Imported by the package, or started by it as a program or extension of another."""
    started = {"jupyterlab", "voila", "jupyter-bokeh", "h5netcdf", "psycopg"}
    owners = metadata.packages_distributions()
    used = {
        canonicalize_name(owner) for package, _ in imported(ROOT / "workbench") for owner in owners.get(package, [])
    }
    assert names(RUNTIME) - used - started == set()
