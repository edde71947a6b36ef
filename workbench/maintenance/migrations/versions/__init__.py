"""One file a revision, `vNNNN_<what>.py`, in the order of their numbers."""
