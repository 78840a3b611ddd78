"""`python -m influencelab` is the command `influencelab`."""

import signal
import sys

try:
    from influencelab.app.cli.main import app
except KeyboardInterrupt:
    print("\ninfluencelab: stopped before anything began.", file=sys.stderr)
    sys.exit(128 + signal.SIGINT)

__all__ = ["app"]

if __name__ == "__main__":
    app()
