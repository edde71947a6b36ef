"""Jobs that run as a whole, some in a process of their own."""
