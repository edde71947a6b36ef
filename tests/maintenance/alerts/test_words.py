from workbench.maintenance.alerts.table import STATES, state_words


def test_no_state_is_shown_by_a_name_that_is_no_word():
    assert not [words for words in map(state_words, STATES) if "latched" in words or "_" in words]
    assert len(set(map(state_words, STATES))) == len(STATES)
