"""Where live telemetry comes from; each feed hands deliveries to an intake."""
