"""The documentation: every command of the guide works, and the pages are built without a warning."""

import doctest
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import workbench as wb
from tests.forked_commands import CLIENT, forked_commands
from workbench.settings import load_settings

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "guide"
START = GUIDE / "start.md"
PAGES = sorted(GUIDE.glob("*.md"))
SERVES = re.compile(r"^(make run|workbench (run|dashboard|lab|registry-ui)\b)")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTPUT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Reader:
    """Somebody who follows a page: one shell and one Python, in a checkout and a home of their own."""

    def __init__(self, folder: Path, home: Path, socket: Path) -> None:
        self.checkout = folder / "checkout"
        self.checkout.mkdir()
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            (self.checkout / name).symlink_to(ROOT / name)
        programs = self.checkout / ".venv" / "bin"
        programs.mkdir(parents=True)
        python = f"exec {shlex.quote(sys.executable)}"
        own = f"{python} -c 'from workbench.cli import main; main()'"
        other = f'{python} -I -S -c {shlex.quote(CLIENT)} {shlex.quote(str(socket))} "$@"'
        workbench = f'case $1 in run|dashboard|lab|registry-ui) {own} "$@";; esac\n{other}'
        for name, lines in (("python", f'{python} "$@"'), ("workbench", workbench)):
            (programs / name).write_text(f"#!/bin/sh\n{lines}\n")
            (programs / name).chmod(0o755)
        (programs / "activate").write_text(f"export PATH={shlex.quote(str(programs))}:$PATH\n")
        (self.checkout / ".venv" / ".setup").touch()  # make has nothing to set up
        (folder / ".jupyter").mkdir()  # JupyterLab starts for root only where that is allowed
        (folder / ".jupyter" / "jupyter_server_config.json").write_text('{"ServerApp": {"allow_root": true}}')
        self.state = folder / "state"
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("WORKBENCH_", "MAKE", "MFLAGS"))
        }
        self.environment = kept | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            "WORKBENCH_HOME": str(home),
            "WORKBENCH_DASHBOARD__PORT": "0",
            "BROWSER": "true",
        }
        self.scope: dict[str, object] = {}

    def follow(self, page: Path) -> None:
        """Do what a page says, in its order, and compare what it shows with what comes out."""
        said = ""
        for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
            if language == "sh":
                said = self.run(block)
            elif language == "python":
                with pytest.MonkeyPatch.context() as patch:
                    patch.chdir(self.checkout)
                    for name, value in self.environment.items():
                        if name.startswith("WORKBENCH_"):
                            patch.setenv(name, value)
                    exec(compile(block, page.name, "exec"), self.scope)
            elif language == "yaml":
                load_settings(self.checkout, **yaml.safe_load(block))  # raises where a key or a value is wrong
            else:
                assert language == "text", f"nobody runs {language}"
                assert doctest.OutputChecker().check_output(block, said, OUTPUT), (
                    f"{page.name} shows\n{block}\nnot\n{said}"
                )

    def run(self, block: str) -> str:
        """Run a block; a server is started, asked for its page and stopped."""
        waiting, said = "", ""
        for line in block.splitlines(keepends=True):
            if not SERVES.match(line):
                waiting += line
                continue
            said += self.shell(waiting) + self.serve(line)
            waiting = ""
        return said + self.shell(waiting)

    def shell(self, commands: str) -> str:
        """Run commands, what they export stays; give what they print."""
        if not commands.strip():
            return ""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{commands}\nenv -0 > {shlex.quote(str(self.state))}"],
            cwd=self.checkout,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        pairs = self.state.read_text(encoding="utf-8").split("\0")
        self.environment = dict(pair.split("=", 1) for pair in pairs if pair)
        return done.stdout

    def serve(self, command: str) -> str:
        """Start a server, ask for the page that it announces, and stop it as Ctrl-C does."""
        said = ""
        with subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.checkout,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as server:
            assert server.stdout is not None
            try:
                for line in server.stdout:
                    said += line
                    address = re.search(r"http://[\w.]+:\d+/\S*", line)
                    if address:
                        assert fetched(address[0], server) == 200
                        break
                else:
                    raise AssertionError(f"{command} announced no page:\n{said}")
            finally:
                os.killpg(server.pid, signal.SIGINT)
                os.killpg(server.pid, signal.SIGINT)
                server.stdout.read()
        return said


def fetched(address: str, server: "subprocess.Popen[str]") -> int:
    """Ask for a page as soon as the server listens, which is just after it has announced the page."""
    while True:
        try:
            with urllib.request.urlopen(address) as answer:
                return int(answer.status)
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError) or server.poll() is not None:
                raise


@pytest.fixture(scope="module")
def socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where commands are forked that start no server: their imports are made once."""
    with forked_commands(tmp_path_factory.mktemp("commands")) as address:
        yield address


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, socket: Path) -> Path:
    """The home of somebody who has followed the first page, with the fleet that is the same for everybody."""
    folder = tmp_path_factory.mktemp("start")
    with wb.open(home=folder / "home") as session:
        session.import_demo()
    Reader(folder, folder / "home", socket).follow(START)
    return folder / "home"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("page", [page for page in PAGES if page != START], ids=lambda page: page.stem)
def test_a_page_can_be_followed_after_the_first_one(page: Path, started: Path, socket: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(started, home)
    Reader(tmp_path, home, socket).follow(page)


def commands() -> dict[str, set[str]]:
    """Every command with its options."""
    from typer.main import get_command

    from workbench.cli import app

    found: dict[str, set[str]] = {}

    def walk(command: object, name: str) -> None:
        found[name] = {
            option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        for word, one in getattr(command, "commands", {}).items():
            walk(one, f"{name} {word}")

    walk(get_command(app), "workbench")
    return found


@pytest.mark.parametrize("page", [*PAGES, ROOT / "docs" / "index.md"], ids=lambda page: page.stem)
def test_commands_named_in_passing_exist(page: Path) -> None:
    known = commands()
    for words in re.findall(r"`(workbench [^`]+)`", page.read_text(encoding="utf-8")):
        parts = words.split()
        name = max((name for name in known if f"{words} ".startswith(f"{name} ")), key=len)
        options = {part for part in parts if part.startswith("--")}
        assert options <= known[name] | known["workbench"] | {"--help"}, words
        assert name != "workbench" or parts[1] in ("COMMAND", "--home"), words


def test_every_page_is_in_the_contents_and_the_first_is_start() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = re.findall(r"^guide/([\w-]+)$", index, re.MULTILINE)
    assert listed[0] == START.stem
    assert sorted(listed) == [page.stem for page in PAGES]


@pytest.mark.slow
def test_pages_are_built_without_a_warning_and_ask_no_other_host(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("reference"))
    options = ["--quiet", "--fail-on-warning", "--keep-going", "--builder", "html"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(tmp_path / "docs"), str(tmp_path / "pages")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    pages = {path: path.read_text(encoding="utf-8") for path in (tmp_path / "pages").rglob("*.html")}
    asked = re.compile(
        r"<(?:script|img|iframe)[^>]*\ssrc=\"(?:https?:)?//|<link[^>]*\shref=\"(?:https?:)?//|@import|url\((?:https?:)?//"
    )
    assert [path.name for path, text in pages.items() if asked.search(text)] == []
    session = pages[tmp_path / "pages" / "reference" / "workbench.session.html"]
    assert 'id="workbench.session.Session.score"' in session
    assert 'href="workbench.settings.html#workbench.settings.Settings"' in session
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "workbench").rglob("*.py")
        if "cli" not in path.parts and "versions" not in path.parts
    }
    built = {path.stem for path in pages if path.parent.name == "reference"}
    assert {module for module in modules - built if "._" not in module} == {"workbench"}
