"""What each command of `influencelab` does; the commands themselves are declared in `influencelab.__main__`."""
