"""The tree of modules: no circle of imports, no view that knows another, and rooms in which one finds one's way.

`lint-imports` holds which layer imports which; what it cannot say is held here.
"""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "workbench"
TABS = {"anomalies", "forecasting", "maintenance", "models", "monitoring", "overview", "system"}
LONG = 500


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported(tree: ast.AST) -> set[str]:
    """Every module that a tree imports, inside functions and under TYPE_CHECKING, too."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                names.add(below if below in MODULES else node.module)
    return names & set(MODULES)


IMPORTS = {name: imported(ast.parse(path.read_text(encoding="utf-8"))) - {name} for name, path in MODULES.items()}


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """What is left when modules that import nothing, or that nothing imports, are taken away again and again."""
    left = {name: set(targets) for name, targets in graph.items()}
    while True:
        wanted = set().union(*left.values()) if left else set()
        ends = {name for name, targets in left.items() if not targets or name not in wanted}
        if not ends:
            return [set(left)] if left else []
        left = {name: targets - ends for name, targets in left.items() if name not in ends}


def test_a_circle_is_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == [{"b", "c"}]
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []


def test_no_module_imports_itself_in_a_circle() -> None:
    assert circles(IMPORTS) == []


def test_imports_in_functions_and_for_types_are_seen() -> None:
    text = "if TYPE_CHECKING:\n    from workbench.session import Session\ndef late():\n    import workbench.scores\n"
    assert imported(ast.parse(text)) == {"workbench.session", "workbench.scores"}


def test_no_view_imports_another_view() -> None:
    def tab(name: str) -> str:
        parts = name.split(".")
        return parts[2] if parts[:2] == ["workbench", "views"] and len(parts) > 2 and parts[2] in TABS else ""

    assert {path.parent.name for path in (PACKAGE / "views").glob("*/view.py")} == TABS
    crossings = [(name, target) for name, targets in IMPORTS.items() for target in targets if tab(name) and tab(target)]
    assert [pair for pair in crossings if tab(pair[0]) != tab(pair[1])] == []


def test_widgets_import_nothing_else_of_the_views() -> None:
    widgets = "workbench.views.widgets"
    upwards = [
        (name, target)
        for name, targets in IMPORTS.items()
        for target in targets
        if name.startswith(widgets) and target.startswith("workbench.views") and not target.startswith(widgets)
    ]
    assert upwards == []


def test_parameters_import_nothing_of_ours() -> None:
    assert IMPORTS["workbench.parameters"] == set()


def test_a_long_module_says_why_it_is_long() -> None:
    silent = {}
    for name, path in MODULES.items():
        text = path.read_text(encoding="utf-8")
        reason = "One module because" in (ast.get_docstring(ast.parse(text)) or "")
        if (lines := len(text.splitlines())) > LONG and not reason:
            silent[name] = lines
    assert silent == {}, f"over {LONG} lines, the docstring says why: 'One module because ...'"


def test_no_folder_is_crowded() -> None:
    modules = Counter(str(path.parent.relative_to(ROOT)) for path in MODULES.values())
    assert {folder: number for folder, number in modules.items() if number > 30} == {}


def test_tests_mirror_the_package() -> None:
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    folders.discard(Path("browser"))  # the pages as a whole
    assert [str(folder) for folder in folders if not (PACKAGE / folder).is_dir()] == []


def test_databases_are_closed() -> None:
    """`with sqlite3.connect(...)` alone ends a transaction and leaves the connection open, an error on Python 3.13."""
    for folder in ("workbench", "tests", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            opened = re.findall(r"^\s*with sqlite3\.connect\(", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert not opened, f"{path}: write closing(sqlite3.connect(...)) as connection, connection"
