"""Applications: the command line (`cli`), the panel in JupyterLab (`lab`), a page for any browser (`page`)."""
