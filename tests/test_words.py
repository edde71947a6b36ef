"""Plain English where a machine can check it: help of commands, docstrings, and the words of the screens."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from typer.main import get_command

from workbench.cli import app

ROOT = Path(__file__).parents[1]
Function = ast.FunctionDef | ast.AsyncFunctionDef
STABLE = ("workbench/session.py", "workbench/forecasting/fleet.py", "workbench/leaderboard.py")
"""Modules of the stable API in which every function has a section of parameters."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "workbench").rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def public(node: ast.AST) -> Iterator[Function | ast.ClassDef]:
    """Public functions, classes and methods below a node."""
    for child in ast.iter_child_nodes(node):
        setter = any(ast.unparse(one).endswith(".setter") for one in getattr(child, "decorator_list", ()))
        if isinstance(child, ast.ClassDef | Function) and not child.name.startswith("_") and not setter:
            yield child
            if isinstance(child, ast.ClassDef):
                yield from public(child)


def documented() -> Iterator[tuple[str, Function | ast.ClassDef, str]]:
    for path, tree in modules():
        for node in public(tree):
            yield f"{path}:{node.lineno} {node.name}", node, ast.get_docstring(node) or ""


def parameters(node: Function) -> list[str]:
    given = node.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    names += [f"*{given.vararg.arg}"] if given.vararg else []
    names += [f"**{given.kwarg.arg}"] if given.kwarg else []
    return [name for name in names if name not in ("self", "cls")]


def section(docstring: str, title: str) -> str:
    """The text of a section of a numpydoc docstring; empty where there is none."""
    parts = re.split(rf"^{title}\n-+\n", docstring, flags=re.MULTILINE)
    return re.split(r"^\w[\w ]*\n-{3,}\n", parts[1], flags=re.MULTILINE)[0] if len(parts) > 1 else ""


def described(text: str) -> dict[str, bool]:
    """Whether each parameter of a section has words below its line."""
    lines = text.splitlines()
    out: dict[str, bool] = {}
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line and not line[0].isspace():
            names = [name.strip() for name in line.split(" : ")[0].split(",")]
            out |= dict.fromkeys(names, following.startswith("    ") and bool(following.strip()))
    return out


def test_no_docstring_begins_with_give() -> None:
    every = [
        f"{path}:{node.lineno}"
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef | Function) and (ast.get_docstring(node) or "").startswith("Give ")
    ]
    assert every == []


def test_first_lines_are_sentences() -> None:
    short = []
    for place, _, docstring in documented():
        first = " ".join(docstring.split("\n\n")[0].split())
        ends = first.endswith((".", "?", ":", "`"))
        if len(first.split()) < 4 or not ends or not (first[0].isupper() or first[0] == "`"):
            short.append(f"{place}: {first}")
    assert short == []


def test_every_parameter_in_a_docstring_is_described() -> None:
    wrong = []
    for place, node, docstring in documented():
        if not isinstance(node, Function) or not (text := section(docstring, "Parameters")):
            continue
        words = described(text)
        missing = [name for name in parameters(node) if name not in words]
        silent = [name for name, has in words.items() if not has]
        if missing or silent:
            wrong.append(f"{place}: missing {missing}, without words {silent}")
    assert wrong == []


@pytest.mark.parametrize("path", STABLE)
def test_the_stable_api_describes_all_its_parameters(path: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    without = [
        node.name
        for node in public(tree)
        if isinstance(node, Function) and parameters(node) and not section(ast.get_docstring(node) or "", "Parameters")
    ]
    assert without == []


def helps() -> Iterator[tuple[str, str]]:
    """The help of every command, argument and option, by its name on the command line."""

    def walk(command: object, name: str) -> Iterator[tuple[str, str]]:
        yield name, command.help or ""
        for parameter in command.params:
            yield f"{name} {parameter.opts[0]}", getattr(parameter, "help", "") or ""
        for word, one in getattr(command, "commands", {}).items():
            yield from walk(one, f"{name} {word}")

    return walk(get_command(app), "workbench")


def test_every_command_and_option_says_what_it_is() -> None:
    assert [name for name, words in helps() if len(words.split()) < 2 or not words.rstrip().endswith(".")] == []


def test_no_help_is_a_fragment() -> None:
    fragment = re.compile(r"^(That|Of|Than|Which|Whom|As|By|Beyond|How) ")
    assert [f"{name}: {words}" for name, words in helps() if fragment.match(words)] == []


def test_no_help_says_where_omitted_since_defaults_are_shown() -> None:
    assert [f"{name}: {words}" for name, words in helps() if "omitted" in words] == []


def test_help_begins_with_a_capital_letter() -> None:
    assert [f"{name}: {words}" for name, words in helps() if not words[:1].isupper()] == []


def test_no_default_is_dynamic() -> None:
    from typer.testing import CliRunner

    runner = CliRunner()

    def pages(command: object, words: list[str]) -> Iterator[str]:
        yield runner.invoke(app, [*words, "--help"]).output
        for word, one in getattr(command, "commands", {}).items():
            yield from pages(one, [*words, word])

    assert [page.splitlines()[1] for page in pages(get_command(app), []) if "dynamic" in page] == []


PARTICIPLES = {"asked", "found", "given", "kept", "known", "said", "there", "told", "wanted"}
"""Names that fit anything, so that they say nothing."""
NAMED = ("workbench/cli",)
"""Folders in which no variable has such a name."""


@pytest.mark.parametrize("folder", NAMED)
def test_no_variable_is_a_bare_participle(folder: str) -> None:
    names = [
        (path, node.id if isinstance(node, ast.Name) else node.arg)
        for path, tree in modules()
        if path.startswith(f"{folder}/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.arg)
    ]
    assert [f"{path}: {name}" for path, name in names if name in PARTICIPLES] == []


GUIDE = ROOT / "docs" / "guide"


def glossary() -> list[str]:
    """The entries of the glossary, in their order; one may hold several terms."""
    lines = (GUIDE / "glossary.md").read_text(encoding="utf-8").splitlines()
    return [line for line, following in pairwise(lines) if following.startswith(": ")]


def terms() -> list[str]:
    return [term.strip() for entry in glossary() for term in entry.split(",")]


def test_the_glossary_is_in_alphabetical_order_and_has_each_term_once() -> None:
    assert glossary() == sorted(glossary(), key=str.lower)
    assert [term for term in terms() if terms().count(term) > 1] == []


@pytest.mark.parametrize("page", sorted(GUIDE.glob("*.md")), ids=lambda page: page.stem)
def test_a_page_links_words_that_the_glossary_explains(page: Path) -> None:
    text = " ".join(page.read_text(encoding="utf-8").split())
    links = re.findall(r"\[([^\]]+)\]\(glossary\.md\)", text)
    assert links or page.stem == "glossary"
    singular = {word: {word, word.removesuffix("s"), word.removesuffix("ies") + "y"} for word in links}
    assert [word for word in links if not singular[word] & set(terms())] == []


DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs" / "index.md", *sorted(GUIDE.glob("*.md"))]


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.stem)
def test_percentages_are_written_one_way(page: Path) -> None:
    assert re.findall(r"\d%", page.read_text(encoding="utf-8")) == []


RIDDLES = (
    "none waits",
    "What first",
    "Take a filter away",
    "looking for it",
    "is no number",
    "Mend it, or remove it",
    "left its forecast by",
    "Pieces",
    "Days to get",
    '"Leave it"',
    "Acting as",
    "Comment it",
    "are kept for this version",
    "dropped for room",
    "errs least",
    "figures known",
    "is like that",
    "latched, ackn",
    "leads on",
    "look at nothing",
    "looks at nothing",
    "is said so",
    "too few days",
)
"""Words that users read twice; `shared/words.md` of November 2026 has what is written instead."""


@pytest.mark.parametrize("riddle", RIDDLES)
def test_no_riddle_is_left(riddle: str) -> None:
    texts = [*(ROOT / "workbench").rglob("*.py"), *(ROOT / "docs" / "guide").glob("*.md"), ROOT / "README.md"]
    assert [str(path.relative_to(ROOT)) for path in texts if riddle in path.read_text(encoding="utf-8")] == []
