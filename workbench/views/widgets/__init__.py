"""What every view is built of."""
