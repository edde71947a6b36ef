"""The dashboard's server: what serves, forks and watches the pages."""
