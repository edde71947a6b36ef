"""The register of assets: what there is, where it belongs, and since when it is in service."""
