"""The demo fleet: simulated telemetry with labelled anomalies, the same for every seed."""

from workbench.telemetry.synthetic.fleet import demo_fleet, demo_source, import_demo, samples_to_come

__all__ = ["demo_fleet", "demo_source", "import_demo", "samples_to_come"]
