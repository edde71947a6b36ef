"""What runs as a whole, some of it in a process of its own."""
