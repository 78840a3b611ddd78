"""`python -m influencelab` is the command `influencelab`."""

from influencelab.app.cli.main import app

if __name__ == "__main__":
    app()
