"""The solver of plans; knows no database."""
