"""One file a revision, `vNNNN_<what>.py`, in the order of their numbers: 0001 log, 0002 alerts, 0003 work orders."""
