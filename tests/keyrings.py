"""A keyring in memory, and what a machine without one has."""

from __future__ import annotations

import keyring.backend
import keyring.backends.fail


class MemoryKeyring(keyring.backend.KeyringBackend):
    """Keeps passwords as long as the test lasts."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


def no_keyring() -> keyring.backend.KeyringBackend:
    """What keyring takes where there is none: every use is an error."""
    return keyring.backends.fail.Keyring()  # type: ignore[no-untyped-call]
