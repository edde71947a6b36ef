"""Views: objects over a session that work the same in JupyterLab, in Voila and in a test. They compute nothing."""
