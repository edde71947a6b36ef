"""Channels with LSTMs: live results are those of scoring afterwards, and previews predict ahead."""

import shutil
from pathlib import Path

import pytest
import xarray as xr

import workbench as wb
from tests.detection.lstm.test_forecaster import random_weights
from tests.live.plants import cut, judge, outcome, pump, samples_of, service_of, stream, write_plant
from workbench.detection.lstm.forecaster import LSTMForecaster

STORED, N = 2_700, 3_500
FAULTS = (2_900, 3_150)
BATCH = 70


def lstm(kind: str) -> LSTMForecaster:
    """A network that forgets where it began, or one that does not."""
    weights = random_weights(1, (6, 5), 10)
    for layer, size in enumerate((6, 5)):
        weights[f"lstm_{layer}.bias"][size : 2 * size] = {"forgets": 0.0, "remembers": 8.0}[kind]
    forecaster = LSTMForecaster.from_weights(weights, sequence_length=50)
    forecaster.metrics = {"validation_error": 0.1}
    return forecaster


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[xr.Dataset]]:
    """Two channels with a part stored and scored; the same with all of them, judged; and the series."""
    folder = tmp_path_factory.mktemp("lstm")
    tests = [pump(N, faults=FAULTS), pump(N, name="head", seed=1, faults=FAULTS[1:])]
    write_plant(folder / "begun", tests, STORED, train=True)
    with wb.open(home=folder / "begun") as session:
        for name, kind in (("flow", "forgets"), ("head", "remembers")):
            session.registry.register(lstm(kind), name, session.archive.info(name).train_hash, seed=0, duration=0.0)
        assert set(session.score_all()["status"]) == {"scored"}
    shutil.copytree(folder / "begun", folder / "whole")
    with wb.open(home=folder / "whole") as session:
        session.archive.extend([(STORED, test.isel(time=slice(STORED, None))) for test in tests])
    judge(folder / "whole")
    return folder / "begun", folder / "whole", tests


def test_streaming_is_scoring_afterwards(plant: tuple[Path, Path, list[xr.Dataset]], tmp_path: Path) -> None:
    begun, whole, tests = plant
    rest = [samples_of(test.isel(time=slice(STORED, None))) for test in tests]
    samples = [sample for pair in zip(*rest, strict=True) for sample in pair]
    home = Path(shutil.copytree(begun, tmp_path / "live"))
    stream(home, cut(samples[:700], seed=0, most=90))
    stream(home, cut(samples[700:], seed=1, most=90))  # a restart
    data, alerts = outcome(whole)
    assert len(alerts) >= 2
    assert outcome(home) == (data, alerts)


def test_previews_predict_ahead_and_the_score_is_that_of_the_whole(
    plant: tuple[Path, Path, list[xr.Dataset]], tmp_path: Path
) -> None:
    begun, whole, tests = plant
    home = Path(shutil.copytree(begun, tmp_path / "live"))
    service = service_of(home, [], archive_s=86_400)
    detection, ingest = service.detection, service.ingest
    rest = [samples_of(test.isel(time=slice(STORED, None))) for test in tests]
    detection.begin()
    ahead, seen = 0, set[str]()
    for start in range(0, N - STORED, 5):
        part = [sample for one in rest for sample in one[start : start + 5]]
        decided = ingest.admission.decide([("test", part, [])])
        ingest._journal.store(decided.transaction)
        service.backlog.add(decided.added, (), 0.0)  # as if no watch had seen anything
        before = {name: one and one._prediction.size for name, one in detection._previews.items()}
        for _ in range(4):
            detection.step()
        after = {name: one and one._prediction.size for name, one in detection._previews.items()}
        ahead += before != after
        seen |= {name for name, one in after.items() if one}
    assert seen == {"flow", "head"}
    assert ahead > (N - STORED) // BATCH  # more often than once a window
    detection.step(everything=True)
    service._resources.close()
    assert outcome(home) == outcome(whole)
