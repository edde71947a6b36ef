"""What the running workbench says about itself."""
