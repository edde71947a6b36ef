"""Previews: what an import would make of files, told before anything is written."""
