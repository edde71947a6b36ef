"""Known events: what alerts taught, and where it has come again."""
