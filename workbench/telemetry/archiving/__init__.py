"""How the archive keeps what it holds: segments, the tail, the index, and what reads and publishes them."""
