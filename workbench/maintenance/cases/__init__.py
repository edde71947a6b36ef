"""Cases: alerts of one asset that belong together, as one thing that operators work on."""
