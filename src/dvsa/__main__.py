"""`python -m dvsa` is the command `dvsa`."""

from dvsa.cli import app

app(prog_name="dvsa")
