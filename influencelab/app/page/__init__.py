"""An explorer as one HTML page that opens from a file."""
