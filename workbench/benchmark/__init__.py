"""Public benchmarks, each by its own protocol, beside what others published for it."""
