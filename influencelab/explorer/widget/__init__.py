"""The interactive view in a notebook or a page: explorer data in, settings and selected pairs back."""
