"""ingisfs: a drive letter that King prints into; every finished document reaches INGIS exactly once."""

__version__ = "0.1.0"
