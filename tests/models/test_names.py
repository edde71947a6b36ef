import pytest

from workbench.exceptions import ModelError, ModelNotFoundError
from workbench.models.names import check_alias, choose_champion, choose_version, model_name


@pytest.mark.parametrize("channel", ["", "pump/flow", "C:temperature"])
def test_a_channel_that_mlflow_cannot_name_is_refused(channel: str) -> None:
    with pytest.raises(ModelError, match="holds no '/' and no ':'"):
        model_name(channel, "ridge")


def test_only_the_two_aliases_are_in_use() -> None:
    check_alias("champion")
    check_alias("challenger")
    with pytest.raises(ModelError, match=r"Alias 'best' is not in use\. Use one of champion, challenger"):
        check_alias("best")


def test_no_model_at_all_names_what_was_asked_for() -> None:
    with pytest.raises(ModelNotFoundError, match=r"'P-1' has no lstm champion.*workbench train P-1 --forecaster lstm"):
        choose_champion([], "P-1", "lstm")
    with pytest.raises(ModelNotFoundError, match=r"no model 'P-1\.lstm'"):
        choose_version([], "P-1.lstm", 1)
