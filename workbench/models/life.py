"""The life of registered models: listed, compared, promoted, rolled back, and watched for drift.

Nothing here trains: where drift or error passes a limit, training again is proposed with its reason.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.compute import map_channels
from workbench.counts import counted
from workbench.exceptions import ArtifactError, ModelError, ModelNotFoundError, WorkbenchError
from workbench.models.comparison import Contender, Verdict, challenge, compare
from workbench.models.drift import error_ratio, ks_distance, typical_error
from workbench.models.inventory import inventory, outdated
from workbench.models.kept_drift import KeptDrift
from workbench.models.listing import ModelInfo
from workbench.models.names import choose_champion, current_champion
from workbench.models.registry import Registry
from workbench.names import command_line
from workbench.parameters import DriftLimits

if TYPE_CHECKING:
    from workbench.telemetry.archive import Archive
from workbench.telemetry.missing import present_values

__all__ = ["DRIFT_COLUMNS", "MODEL_COLUMNS", "ModelLife", "Promotion", "Retirement", "judge"]

MODEL_COLUMNS = ("model", "channel", "forecaster", "version", "aliases", "created", "age", "size", "retrain", "promote")
"""First columns of `ModelLife.list`; the metrics follow."""

DRIFT_COLUMNS = ("channel", "model", "status", "ks", "error", "validation_error", "error_ratio", "reason")
"""Columns of `ModelLife.drift`."""

_DRIFT_VERSION = 1  # of how the figures are computed, so that those that are kept are computed anew


@dataclass(frozen=True)
class Promotion:
    """A version that became champion.

    Attributes
    ----------
    model : ModelInfo
        The champion.
    replaced : ModelInfo or None
        Champion until then.
    verdict : Verdict or None
        How they compared; None where there was no champion, or they are models of an asset.
    """

    model: ModelInfo
    replaced: ModelInfo | None
    verdict: Verdict | None

    def __str__(self) -> str:
        """Say who won and by what figures."""
        if self.replaced is None:
            return f"{self.model.id} is champion; there was none."
        if self.verdict is None:
            return f"{self.model.id} is champion in place of {self.replaced.id}."
        if math.isinf(self.verdict.champion_error):
            return f"{self.model.id} is champion; {self.replaced.id} cannot predict the present training data."
        if not self.verdict.better:
            return f"{self.model.id} is champion; {self.replaced.id} learned from other training data."
        return (
            f"{self.model.id} is champion: error {self.verdict.error:.4g} on {self.verdict.samples} held-out samples, "
            f"{self.replaced.id} {self.verdict.champion_error:.4g}."
        )


@dataclass(frozen=True)
class Retirement:
    """A version that was taken out of use.

    Attributes
    ----------
    model : ModelInfo
        The version.
    champion : ModelInfo or None
        Champion of the same registered model, from now on.
    led : bool
        Whether the version was champion until now.
    """

    model: ModelInfo
    champion: ModelInfo | None
    led: bool

    def __str__(self) -> str:
        """Say what serves in its place."""
        if not self.led:
            return f"{self.model.id} is retired; it was not champion."
        if self.champion is None:
            return f"{self.model.id} is retired; no other version was champion, so {self.model.name} has none now."
        return f"{self.model.id} is retired; {self.champion.id} is champion again."


def judge(archive: "Archive", registry: Registry, channel: str, challenger: Contender, champion: ModelInfo) -> Verdict:
    """Compare a challenger with a champion on the held-out windows of a channel's present training data.

    Raises
    ------
    ChannelNotFoundError
        The archive does not hold the channel.
    ForecasterError
        The challenger does not fit the channel.
    """
    try:
        other = Contender.load(registry, champion)
    except ArtifactError:
        other = None
    return challenge(archive.open(channel, "train"), archive.info(channel).train_hash, challenger, other)


class ModelLife:
    """The models of a session.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channels.
    registry : Registry
        Registry that holds the versions.
    limits : DriftLimits
        Above which training again is proposed.
    clock : callable
        Function that returns the present time, with its zone.
    """

    def __init__(
        self, archive: "Archive", registry: Registry, limits: DriftLimits, clock: Callable[[], datetime]
    ) -> None:
        self.archive = archive
        self.registry = registry
        self.limits = limits
        self.clock = clock
        self._kept = KeptDrift(archive.path.with_name("drift.sqlite"))

    def close(self) -> None:
        """Close the connection to the figures of drift; it is opened again where it is needed."""
        self._kept.close()

    def list(self, channel: str | None = None, forecaster: str | None = None) -> pd.DataFrame:
        """List the registered versions; no model is opened.

        Parameters
        ----------
        channel, forecaster : str, optional
            List only these.

        Returns
        -------
        pandas.DataFrame
            `MODEL_COLUMNS` and one column a metric. `aliases` is text (`retired` for a version out of use), `created`
            an aware time, `age` in seconds, `size` in bytes (NaN where the files are elsewhere). `retrain` is the
            reason to train again, empty without one: the training data have changed since. `promote` is the command
            that makes the version of the present training data champion, where the champion is of others. `drift`
            looks deeper.
        """
        rows = inventory(self.registry.list(channel, forecaster, assets=True), self.archive.path, self.clock())
        return pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*MODEL_COLUMNS, "validation_error"])

    def promote(self, name: str, version: int | str, *, anyway: bool = False) -> Promotion:
        """Make a version champion, where it is better on the held-out windows of the present training data.

        Models of whole assets predict nothing that could be compared: any version of theirs is promoted.

        Parameters
        ----------
        name : str
            As `P-1.ridge`.
        version : int or str
            Version number or alias.
        anyway : bool
            Promote it although it is not better, where it learned from the present training data of the channel and
            the champion from others, of which it may have learned those that it is judged on.

        Returns
        -------
        Promotion

        Raises
        ------
        ModelNotFoundError
            There is no such model or version.
        ModelError
            It is champion already, or not better: the message gives both errors; or they cannot be compared.
        ChannelNotFoundError
            The archive does not hold its channel.
        ForecasterError
            It does not fit the channel.
        ArtifactError
            It cannot be loaded.
        """
        info = self.registry.get(name, version)
        champion = current_champion(self.registry.list(info.channel, info.forecaster))
        if champion is not None and champion.version == info.version:
            raise ModelError(f"{info.id} is champion already.", "List the versions: workbench models")
        if info.of_asset:
            self.registry.load_asset(info)
            return Promotion(self.registry.set_alias(name, info.version, "champion"), champion, None)
        contender = Contender.load(self.registry, info)
        if champion is None:
            contender.errors(self.archive.open(info.channel, "train"))
            return Promotion(self.registry.set_alias(name, info.version, "champion"), None, None)
        verdict = judge(self.archive, self.registry, info.channel, contender, champion)
        if not verdict.better and anyway:
            train_hash = self.archive.info(info.channel).train_hash
            if info.train_hash != train_hash or champion.train_hash == train_hash:
                raise ModelError(
                    f"{info.id} is not better than the champion {champion.id}, and not the only one of the two that "
                    "learned from the present training data.",
                    "The champion stays. Train another version.",
                )
            return Promotion(self.registry.set_alias(name, info.version, "champion"), champion, verdict)
        if not verdict.enough:
            raise ModelError(
                f"{info.id} cannot be compared with the champion {champion.id}: they held out only "
                f"{counted(verdict.samples, 'sample')} in common.",
                "Train it with the champion's seed.",
            )
        if not verdict.better:
            raise ModelError(
                f"{info.id} is not better than the champion {champion.id}: error {verdict.error:.6g} against "
                f"{verdict.champion_error:.6g} on {verdict.samples} held-out samples.",
                "The champion stays. Train another version.",
            )
        return Promotion(self.registry.set_alias(name, info.version, "champion"), champion, verdict)

    def rollback(self, name: str) -> ModelInfo:
        """Make the version champion that was so before; see `Registry.rollback`."""
        return self.registry.rollback(name)

    def retire(self, name: str, version: int | str) -> Retirement:
        """Take a version out of use; nothing of it is deleted, and promoting it takes it back.

        Parameters
        ----------
        name : str
            As `P-1.ridge`.
        version : int or str
            Version number or alias.

        Returns
        -------
        Retirement

        Raises
        ------
        ModelNotFoundError
            There is no such model or version.
        ModelError
            It is retired already, or the registry cannot be written.
        """
        before = current_champion(self.registry.list(*name.rpartition(".")[::2]))
        retired, champion = self.registry.retire(name, version)
        return Retirement(retired, champion, before is not None and before.version == retired.version)

    def compare(self, channel: str) -> pd.DataFrame:
        """Compare all versions of a channel's models on the same held-out windows of its present training data.

        Returns
        -------
        pandas.DataFrame
            See `workbench.models.comparison.compare`.

        Raises
        ------
        ChannelNotFoundError
            The archive does not hold the channel.
        ModelNotFoundError
            It has no model.
        """
        train_hash = self.archive.info(channel).train_hash
        models = self.registry.list(channel)
        if not models:
            raise ModelNotFoundError(
                f"Channel {channel!r} has no model.",
                "Train one: " + command_line("workbench train", channel, options="--forecaster ridge"),
            )
        return compare(self.archive.open(channel, "train"), train_hash, self.registry, models)

    def drift(self, channels: Iterable[str] | None = None, *, progress: bool = False) -> pd.DataFrame:
        """Tell how far channels have moved away from what their champions learned; no label is looked at.

        Parameters
        ----------
        channels : iterable of str, optional
            All of the archive where omitted.
        progress : bool
            Show a bar.

        Returns
        -------
        pandas.DataFrame
            `DRIFT_COLUMNS`, one row a channel: `status` is ok, retrain (proposed; `reason` says why) or failed;
            `ks` and `error_ratio` as in `workbench.models.drift`, `error` the typical error over the test series
            and `validation_error` the model's, both in the units of the telemetry.
        """
        names = list(dict.fromkeys(self.archive.channels() if channels is None else channels))
        rows = []
        for name, result in map_channels(self._drift, names, progress=progress, description="drift"):
            if isinstance(result, WorkbenchError):
                result = {"model": "", "status": "failed", "reason": str(result)}
            rows.append({"channel": name, **result})
        return pd.DataFrame(rows, columns=list(DRIFT_COLUMNS))

    def _drift(self, channel: str) -> dict[str, Any]:
        models = self.registry.list(channel)
        info = choose_champion(models, channel, None)
        about = self.archive.info(channel)
        train_hash = about.train_hash
        state = f"{_DRIFT_VERSION} {info.id} {info.manifest_hash} {train_hash} {about.test_hash}"
        kept = self._kept.find(channel, state)
        if kept is None:
            train = present_values(self.archive.open(channel, "train")["telemetry"].values)
            test = present_values(self.archive.open(channel)["telemetry"].values)
            kept = {
                "ks": ks_distance(train, test),
                "error": typical_error(self._errors(info)),
                "spread": float(np.concatenate([train, test]).std(dtype=np.float64)),
            }
            self._kept.keep(channel, state, kept)
        validation = info.metrics.get("validation_error", math.nan)
        figures = {
            "ks": kept["ks"],
            "error": kept["error"],
            "validation_error": validation,
            "error_ratio": error_ratio(kept["error"], validation, kept["spread"]),
        }
        fresh = any(other.name == info.name and other.train_hash == train_hash for other in models)
        reasons = [outdated(info, fresh)]
        if figures["error_ratio"] > self.limits.error_ratio:
            reasons.append(f"its error is {figures['error_ratio']:.1f} times that of training")
        if figures["ks"] > self.limits.ks:
            reasons.append(f"the telemetry has moved (KS distance {figures['ks']:.2f})")
        reason = "; ".join(filter(None, reasons))
        return {"model": info.id, "status": "retrain" if reason else "ok", **figures, "reason": reason}

    def _errors(self, info: ModelInfo) -> npt.NDArray[np.float64]:
        """Return the absolute errors on the test series, from a stored score if one exists."""
        test_hash = self.archive.info(info.channel).test_hash
        errors: npt.NDArray[np.float64]
        for key, attributes in self.archive.scores(info.channel).items():
            if (attributes.get("model"), attributes.get("data_hash")) == (info.id, test_hash):
                scored = self.archive.open_scores(info.channel, key)
                errors = np.abs(scored["prediction_error"].values.astype(np.float64))
                return present_values(errors)
        errors = Contender.load(self.registry, info).errors(self.archive.open(info.channel))
        return errors[np.isfinite(errors)]
