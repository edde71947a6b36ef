from workbench.maintenance.alerts.report import AlertReport


def test_reports_add_up():
    one, two = AlertReport((1,), (2,), 3, (4,), 5), AlertReport((6,), reopened=(7,))
    assert one + two == AlertReport((1, 6), (2,), 3, (4,), 5, (7,))
    assert str(one + two) == (
        "2 alerts raised, 1 updated, 3 known, 1 opened again, 1 returned to normal, "
        "5 too low or too short for an alert."
    )
