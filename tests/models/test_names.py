import pytest

from workbench.exceptions import ModelError, ModelNotFoundError
from workbench.models.listing import registered_name
from workbench.models.names import check_alias, choose_champion, choose_version, model_name


def test_a_channel_without_a_name_has_no_model() -> None:
    with pytest.raises(ModelError, match="without a name"):
        model_name("", "ridge")


@pytest.mark.parametrize(
    ("channel", "registered"),
    [
        ("P-1", "P-1.ridge"),
        ("pump/flow", "pump%2Fflow.ridge"),
        ("pump%2Fflow", "pump%252Fflow.ridge"),
        ("C:temperature", "C%3Atemperature.ridge"),
        ("..", "%2E..ridge"),
        ("轴承温度", "轴承温度.ridge"),
    ],
)
def test_mlflow_takes_the_name_of_every_model(channel: str, registered: str) -> None:
    from mlflow.utils.validation import _validate_model_name

    assert registered_name(model_name(channel, "ridge")) == registered
    _validate_model_name(registered)
    _validate_model_name(registered_name(model_name("/" * 200, "ridge")))


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
