"""Commands of `influencelab`, a module each; they are declared in `main`."""
