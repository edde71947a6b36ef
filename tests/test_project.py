"""The project's own files: make targets, and documents that say what the code does."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import xarray as xr

import workbench

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKE = shutil.which("make")

needs_make = pytest.mark.skipif(MAKE is None, reason="make is not installed")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@needs_make
def test_setup_refuses_an_old_python_in_one_clear_message(tmp_path: Path) -> None:
    old = program(tmp_path / "python3", '[ "$1" = --version ] && echo Python 3.9.2 || exit 1')
    done = make("setup", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}")
    assert done.returncode == 2
    assert "is Python 3.9.2: the workbench needs Python 3.11 or newer" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "venv").exists()


@needs_make
def test_setup_says_when_there_is_no_python(tmp_path: Path) -> None:
    done = make("setup", f"PYTHON={tmp_path / 'absent'}", f"VENV={tmp_path / 'venv'}")
    assert done.returncode == 2
    assert "absent was not found: install Python 3.11 or newer" in done.stderr


@needs_make
def test_setup_says_what_to_install_where_debian_has_no_ensurepip(tmp_path: Path) -> None:
    bare = program(tmp_path / "python3", 'case "$2" in *ensurepip*) exit 1;; esac')
    done = make("setup", f"PYTHON={bare}", f"VENV={tmp_path / 'venv'}")
    assert done.returncode == 2
    assert "ensurepip is missing. On Debian or Ubuntu: apt-get install python3-venv." in done.stderr


@needs_make
def test_setup_is_repeated_only_after_the_dependencies_changed(tmp_path: Path) -> None:
    stamp = tmp_path / ".setup"
    stamp.touch()
    assert "pip install" not in make("--dry-run", "setup", f"VENV={tmp_path}").stdout
    newest = max((ROOT / name).stat().st_mtime for name in ("pyproject.toml", "constraints.txt"))
    os.utime(stamp, (newest - 1, newest - 1))
    assert "pip install" in make("--dry-run", "setup", f"VENV={tmp_path}").stdout


@needs_make
@pytest.mark.parametrize("target", ["run", "lab", "bench", "docs", "lint", "test", "browser"])
def test_every_target_sets_up_first(target: str, tmp_path: Path) -> None:
    commands = make("--dry-run", target, f"VENV={tmp_path / 'venv'}").stdout
    assert f"venv {tmp_path / 'venv'}" in commands
    assert commands.index("pip install") < commands.rindex(f"{tmp_path / 'venv'}/bin/")


def browser(tmp_path: Path, **programs: str) -> list[str]:
    """Which of the stand-in programs `make browser` calls, where nothing else is on PATH."""
    log = tmp_path / "log"
    log.touch()
    path = tmp_path / "path"
    path.mkdir()
    for name in ("bash", "id", "env"):
        (path / name).symlink_to(str(shutil.which(name)))
    for name, script in programs.items():
        program(path / name.replace("_", "-"), f'echo "{name.replace("_", "-")} $*" >> {log}\n{script}')
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    program(venv / "bin" / "playwright", f'echo "playwright $*" >> {log}')
    (venv / ".setup").touch()
    subprocess.run(
        [str(MAKE), "--silent", "browser", f"VENV={venv}"],
        cwd=ROOT,
        env={"PATH": str(path)},
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    return log.read_text(encoding="utf-8").splitlines()


@needs_make
def test_browser_takes_the_chromium_that_is_there(tmp_path: Path) -> None:
    assert browser(tmp_path, chromium="exit 0", apt_get="exit 0") == []


@needs_make
def test_browser_comes_from_apt_where_that_can_be_used(tmp_path: Path) -> None:
    calls = browser(tmp_path, apt_get="exit 0", id="echo 0")
    assert [line for line in calls if not line.startswith("id ")] == [
        "apt-get update -qq",
        "apt-get install -y -qq chromium",
    ]


@needs_make
def test_browser_comes_from_playwright_without_apt(tmp_path: Path) -> None:
    assert browser(tmp_path) == ["playwright install chromium"]


@needs_make
def test_browser_comes_from_playwright_where_apt_fails(tmp_path: Path) -> None:
    calls = browser(tmp_path, apt_get="exit 100", id="echo 0")
    assert calls[-1] == "playwright install chromium"


@needs_make
def test_browser_comes_from_playwright_without_rights_for_apt(tmp_path: Path) -> None:
    calls = browser(tmp_path, apt_get="exit 0", id="echo 1000", sudo="exit 1")
    assert not [line for line in calls if line.startswith("apt-get")]
    assert calls[-1] == "playwright install chromium"


GOALS = 'while [ "${1#-}" != "$1" ]; do shift; done'


def test_ci_requires_the_nasa_tier_and_fails_when_a_part_fails(tmp_path: Path) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    program(bin_folder / "make", f'{GOALS}; echo "$@ $REQUIRE_NASA"; exit 7')
    done = subprocess.run(
        ["bash", str(ROOT / ".ci" / "run")],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert (done.stdout.strip(), done.returncode) == ("lint setup-newer 1", 7)


@pytest.mark.parametrize(("fails", "goals"), [("test", 2), ("test-newer", 3)])
def test_ci_runs_the_quick_round_on_the_newer_python_too_and_fails_with_it(
    tmp_path: Path, fails: str, goals: int
) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    program(bin_folder / "make", f'{GOALS}; echo "$@"; [ "$1" != {fails} ] || exit 7')
    done = subprocess.run(
        ["bash", str(ROOT / ".ci" / "run")],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert (done.stdout.splitlines(), done.returncode) == (["lint setup-newer", "test", "test-newer"][:goals], 7)


@needs_make
@pytest.mark.parametrize("fails", ["lint", "setup-newer"])
def test_one_of_two_targets_that_fails_beside_the_other_fails_both(tmp_path: Path, fails: str) -> None:
    """As in CI, where the newer environment is made beside lint."""
    lines = [f"{goal}: ; @echo {goal}; {'exit 3' if goal == fails else ':'}" for goal in ("lint", "setup-newer")]
    (tmp_path / "Makefile").write_text("\n".join(lines) + "\n")
    command = next(line for line in (ROOT / ".ci" / "run").read_text().splitlines() if "setup-newer" in line)
    done = subprocess.run(["bash", "-euc", f"{command}\necho went on"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "went on" not in done.stdout


@needs_make
def test_bytecode_is_written_by_what_make_starts(tmp_path: Path) -> None:
    """Where it is not, every process that a test starts compiles what it imports."""
    (tmp_path / "python").write_text('#!/bin/sh\necho "${PYTHONDONTWRITEBYTECODE-written}" >&2\nexit 1\n')
    (tmp_path / "python").chmod(0o755)
    done = subprocess.run(
        ["make", "-f", str(ROOT / "Makefile"), "setup", f"PYTHON={tmp_path / 'python'}", f"VENV={tmp_path / 'none'}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "written" in done.stderr.splitlines()


def newer(tmp_path: Path, path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `make test-newer` where other programs than ours come after `path` and pyenv is in `tmp_path`."""
    system = tmp_path / "system"
    system.mkdir()
    for name in ("bash", "make", "sed"):
        (system / name).symlink_to(str(shutil.which(name)))
    checkout = tmp_path / "checkout"  # where no environment was made before
    checkout.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (checkout / name).symlink_to(ROOT / name)
    environment = {"PATH": f"{path}:{system}", "HOME": str(tmp_path)}
    return subprocess.run(
        ["make", *options, "test-newer"],
        cwd=checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


@needs_make
def test_the_newer_python_is_the_one_on_the_path_or_one_of_pyenv(tmp_path: Path) -> None:
    shims = tmp_path / "shims"
    of_pyenv = tmp_path / ".pyenv" / "versions" / "3.13.7" / "bin"
    for folder in (shims, of_pyenv):
        folder.mkdir(parents=True)
    program(shims / "python3.13", "exit 127")  # as pyenv's where another version is chosen
    program(of_pyenv / "python", "exit 0")
    done = newer(tmp_path, shims, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert f"{of_pyenv / 'python'} -m venv .venv313" in done.stdout
    assert ".venv313/bin/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder" in done.stdout
    assert '-m "not browser and not slow"' in done.stdout


@needs_make
def test_without_a_newer_python_its_round_is_skipped_and_says_so(tmp_path: Path) -> None:
    done = newer(tmp_path, tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "Python 3.13 is not here: the quick round on it is skipped.\n"


def test_readme_and_classifiers_name_the_same_pythons() -> None:
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    versions = [
        found[1]
        for found in (re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", one) for one in classifiers)
        if found
    ]
    assert f"It is tested on Linux with Python {' and '.join(versions)}." in README
    assert "3.13" in versions and "Python 3.13" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_readme_lists_the_commands_that_exist() -> None:
    from typer import Context
    from typer.main import get_command

    from workbench.cli import app

    section = README.split("## Command line")[1].split("\n## ")[0]
    documented = re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)
    group = get_command(app)
    assert documented == group.list_commands(Context(group))
    assert sorted(documented) == sorted(group.commands)


def test_readme_lists_the_settings_that_exist() -> None:
    from workbench.settings import Settings

    section = README.split("## Settings")[1].split("\n## ")[0]
    keys = [key for row in re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)]
    assert sorted(keys) == sorted(Settings.model_fields)
    levels = ", ".join(f"{score:g}" for score in Settings().severity.model_dump().values())
    assert f"| `severity` | {levels} |" in section


def test_readme_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), scope)
    scored = scope["scored"]
    assert isinstance(scored, xr.Dataset)
    assert {"prediction", "prediction_error", "smoothed_error", "epsilon"} <= set(scored.data_vars)


@pytest.mark.parametrize("document", sorted(ROOT.glob("*.md")), ids=lambda path: path.name)
def test_documents_name_only_files_that_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text)
    named = re.findall(r"`((?:workbench|tests|apps|notebooks|benchmarks|data)/[\w./-]+\.\w+)`", text)
    assert [path for path in links + named if not (ROOT / path).exists()] == []


def test_readme_and_changelog_agree_with_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert headings[0] == "Unreleased"
    released = headings[1:]
    assert not released or released[0] == workbench.__version__
