"""NASA's channels sample by sample, with cuts, restarts and catch-up at random places: the same to the bit."""

import io
import shutil
import zipfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import workbench as wb
from tests.live.plants import cut, judge, outcome, samples_of, stream
from workbench.telemetry.schema import make_channel


def nasa_channel(archive: zipfile.ZipFile, split: str, name: str) -> xr.Dataset:
    array = np.load(io.BytesIO(archive.read(f"data/data/{split}/{name}.npy")))
    return make_channel(array[:, 0], array[:, 1:], channel=name, asset="NASA", source="NASA SMAP/MSL")


def check_streaming(nasa_zip: Path, names: Sequence[str], folder: Path, *, restarts: int) -> int:
    """Compare samples, scores and alerts; return how many alerts there were."""
    begun, live, whole = (folder / name for name in ("begun", "live", "whole"))
    random = np.random.default_rng(len(names))
    to_come = []
    with zipfile.ZipFile(nasa_zip) as archive, wb.open(home=begun) as session:
        rest = {}
        for name in names:
            test = nasa_channel(archive, "test", name)
            stored = int(random.integers(1, test.sizes["time"] - 300))
            session.archive.write(nasa_channel(archive, "train", name), test.isel(time=slice(0, stored)))
            rest[name] = (stored, test.isel(time=slice(stored, None)))
            to_come += [(place, number, one) for number, (place, one) in enumerate(_placed(rest[name][1], stored))]
        session.set_growing(names)
        session.train()
    shutil.copytree(begun, live)
    shutil.copytree(begun, whole)
    with wb.open(home=whole) as session:
        session.archive.extend(list(rest.values()))
    judge(whole)
    samples = [one for *_, one in sorted(to_come, key=lambda item: item[:2])]
    places = [0, *sorted(random.integers(0, len(samples), restarts).tolist()), len(samples)]
    for number, (start, end) in enumerate(pairwise(places)):
        part = samples[start:end]
        stream(live, [part] if number == 1 else cut(part, number, 2_000))  # the second one catches up at once
    data, alerts = outcome(whole)
    assert outcome(live) == (data, alerts)
    return len(alerts)


def _placed(rest: xr.Dataset, stored: int) -> list[tuple[int, object]]:
    return [(stored + number, one) for number, one in enumerate(samples_of(rest))]


@pytest.mark.nasa
@pytest.mark.slow
def test_two_channels_sample_by_sample(nasa_zip: Path, tmp_path: Path) -> None:
    assert check_streaming(nasa_zip, ["P-1", "T-2"], tmp_path, restarts=2) > 0


@pytest.mark.nasa
@pytest.mark.long
def test_all_channels_sample_by_sample(nasa_zip: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(nasa_zip) as archive:
        names = sorted(Path(one).stem for one in archive.namelist() if "/test/" in one and one.endswith(".npy"))
    assert len(names) == 82
    assert check_streaming(nasa_zip, names, tmp_path, restarts=5) > 50
