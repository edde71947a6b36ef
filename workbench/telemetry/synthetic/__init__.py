"""The demo fleet: simulated telemetry with labelled anomalies, the same for every seed."""

from workbench.telemetry.synthetic.fleet import demo_fleet, import_demo

__all__ = ["demo_fleet", "import_demo"]
