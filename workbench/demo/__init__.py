"""The life of the demo fleet: the year that people and machines had with it, and what its machines do from now on."""
