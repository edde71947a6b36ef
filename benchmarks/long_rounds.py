"""Long rounds of the tests of files that go on where they stopped: `python -m benchmarks.long_rounds dialects 5000`.

The state file (`build/long-rounds.json`) holds the next seed of each round and the seeds that failed, with what was
wrong. A round that is started again goes on there, so 20,000 files can be read in pieces, between other work.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.dialects import make_case
from tests.telemetry.test_importers_dialects import fault
from tests.telemetry.test_importers_mutations import CHECKS

STATE = Path("build/long-rounds.json")
SAVE_EVERY = 25  # seeds
_FAULTS = (AssertionError, ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)


def dialect_fault(seed: int, folder: Path) -> str:
    """Return what is wrong with the reading of a table in a random dialect; an empty text where nothing is."""
    case = make_case(seed)
    what = fault(case, folder)
    return f"{case.about}: {what}" if what else ""


def mutation_fault(seed: int, folder: Path) -> str:
    """Return what is wrong with the reading of a changed file; an empty text where nothing is."""
    checks = [check for check, share in CHECKS.values() for _ in range(round(share * 10))]
    try:
        checks[seed % len(checks)](seed, folder)
    except _FAULTS as error:  # the round goes on
        return f"{type(error).__name__}: {error}"[:2000]
    return ""


ROUNDS: dict[str, Callable[[int, Path], str]] = {"dialects": dialect_fault, "mutations": mutation_fault}


def go_on(name: str, count: int, state_file: Path) -> dict[str, Any]:
    """Run the seeds of a round from where it stopped, and return its state.

    Parameters
    ----------
    name : {"dialects", "mutations"}
        Round to run.
    count : int
        Seeds of the whole round, from 0 on.
    state_file : Path
        File that holds the state of every round.
    """
    states = json.loads(state_file.read_text()) if state_file.exists() else {}
    state = states.setdefault(name, {"next": 0, "faults": {}})
    state_file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        while state["next"] < count:
            seed = state["next"]
            what = ROUNDS[name](seed, Path(folder))
            if what:
                state["faults"][str(seed)] = what
            state["next"] = seed + 1
            if what or state["next"] % SAVE_EVERY == 0 or state["next"] == count:
                state_file.write_text(json.dumps(states, indent=1))
    return dict(state)


def main() -> None:
    """Run a round, and end with an error where it has faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("round", choices=ROUNDS)
    parser.add_argument("count", type=int, help="seeds of the whole round")
    parser.add_argument("--state", type=Path, default=STATE)
    arguments = parser.parse_args()
    state = go_on(arguments.round, arguments.count, arguments.state)
    print(
        f"{arguments.round}: {state['next']} seeds, {len(state['faults'])} faults: {', '.join(state['faults'])[:200]}"
    )
    raise SystemExit(bool(state["faults"]))


if __name__ == "__main__":
    main()
