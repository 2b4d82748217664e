"""`python -m ingisfs`."""

from ingisfs.cli import main

main(prog_name="ingisfs")
