"""SFTP servers for the tests, each in a process of its own: OpenSSH, and asyncssh's.

`openssh_server` and `asyncssh_server` give a running `SftpTestServer`. OpenSSH asks the system for users, so it makes
one for itself and takes it away again (root is needed), and looks for none of the machine's own settings and keys.

What they do, as tried here; delivery/test_sftp.py holds the rows that matter:

|                                          | OpenSSH 9.2             | asyncssh 2.24          |
| ---------------------------------------- | ----------------------- | ---------------------- |
| rename to a taken name                   | FAILURE                 | FAILURE, with a reason |
| 16 renames at once to one new name: so   | 1 (link, then unlink)   | 1 (one process)        |
| many heard that they made it             |                         |                        |
| rename of what is not there              | NO_SUCH_FILE            | NO_SUCH_FILE           |
| rename into a folder that is not there   | NO_SUCH_FILE            | NO_SUCH_FILE           |
| rename to a name of more than 255 bytes  | BAD_MESSAGE             | FAILURE                |
| a write that fills the disk              | FAILURE                 | cut off, and OK        |
| largest piece in one write               | 261,120 bytes           | 4 MiB                  |
| time of change                           | whole seconds           | whole seconds          |
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.servers import Server, program, wait_for

USERS = "ingisfs-t"  # begins the names of the users we make; the number of the process that made them follows


class SftpTestServer(Server):
    """A server with the host keys `kinds`, one user who may log in by password or by key, and an inbox."""

    def __init__(self, folder: Path, kinds: Sequence[str] = ("ed25519",)) -> None:
        super().__init__(folder)
        self.kinds = kinds
        self.key_file = folder / "user_key"  # the user's, without a passphrase
        self.log = folder / "server.log"
        make_key(self.key_file)
        self.change_host_keys()

    @property
    def url(self) -> str:
        return f"sftp://127.0.0.1:{self.port}/inbox"

    def change_host_keys(self) -> None:
        """New ones of every kind, as after an installation anew. Shown from the next start on."""
        for kind in self.kinds:
            make_key(self.host_key_file(kind), kind)

    def host_key_file(self, kind: str) -> Path:
        return self.folder / f"host_{kind}"

    def fingerprint(self, kind: str = "ed25519") -> str:
        """What a person pins: `SHA256:…`."""
        shown = subprocess.run(
            ["ssh-keygen", "-l", "-f", str(self.host_key_file(kind))], check=True, capture_output=True, text=True
        )
        return shown.stdout.split()[1]

    def failed_logins(self) -> int:
        """How many tries to log in the server has counted against the user."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return sum(1 for line in lines if line.startswith("Failed "))


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "", form: str = "RFC4716") -> None:
    """A new private key, and its public half beside it."""
    for old in (path, path.with_name(path.name + ".pub")):
        old.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(path), "-C", "test", "-m", form]
    subprocess.run(command, check=True)


# ---------------------------------------------------------------------------------------------------------- OpenSSH


class OpenSshServer(SftpTestServer):
    """Debian's sshd (package openssh-server) in a configuration of its own. The inbox lies in the user's home."""

    def __init__(
        self,
        folder: Path,
        user: str,
        kinds: Sequence[str] = ("ed25519",),
        settings: Sequence[str] = (),
        logged: bool = False,
    ) -> None:
        """`settings` are further lines for sshd_config. `logged`: every operation shows in `operations()`."""
        super().__init__(folder, kinds)
        self.user = user
        self.settings = settings
        self._logged = logged
        self._operations = folder / "operations.log"

    @property
    def url(self) -> str:
        return f"sftp://127.0.0.1:{self.port}{quote(str(self.root))}"

    def command(self) -> list[str]:
        Path("/run/sshd").mkdir(exist_ok=True)  # Debian's sshd insists on it, and only its service makes it
        serve = "internal-sftp"
        if self._logged:
            serve = f"/usr/lib/openssh/sftp-server -e -l VERBOSE 2>>{self._operations}"
            self._operations.touch()
            shutil.chown(self._operations, self.user)
        lines = [
            *self.settings,  # the first line of a kind counts
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            *(f"HostKey {self.host_key_file(kind)}" for kind in self.kinds),
            f"PidFile {self.folder}/sshd.pid",
            f"AuthorizedKeysFile {self.key_file}.pub",
            f"AllowUsers {self.user}",
            "StrictModes no",
            "UsePAM no",
            "UseDNS no",
            "KbdInteractiveAuthentication no",
            "LogLevel VERBOSE",
            "MaxStartups 100",
            "Subsystem sftp internal-sftp",
            f"ForceCommand {serve}",
        ]
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")
        return [program("sshd"), "-D", "-f", str(self.folder / "sshd_config"), "-E", str(self.log)]

    def stop(self) -> None:
        """Stop it with its sessions, which outlive the process that listens."""
        sessions = descendants(self._process.pid) if self._process is not None else []
        super().stop()
        for pid in sessions:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not any(map(is_running, sessions)), "the sessions to end")

    def operations(self) -> list[str]:
        """What the SFTP server logged: `open "…" flags …`, `rename old "…" new "…"`, …"""
        return self._operations.read_text(errors="replace").splitlines()


def _stat(pid: int | str) -> list[str]:
    """State, parent, … of a process: see proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def is_running(pid: int) -> bool:
    try:
        return _stat(pid)[0] != "Z"  # dead, and nobody has asked yet of what
    except OSError:
        return False


def descendants(ancestor: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int(_stat(entry.name)[1])
    found = [ancestor]
    for pid in found:
        found.extend(child for child, parent in parents.items() if parent == pid)
    return found[1:]


@contextlib.contextmanager
def system_user(home: Path, password: str) -> Iterator[str]:
    """A user of this machine for the block, who can do nothing but log in with a password that nobody knows."""
    if os.geteuid() != 0:
        raise RuntimeError("OpenSSH's tests make a user for themselves: run them as root")
    import pwd  # not on Windows

    for left in pwd.getpwall():  # by a run that was killed
        if left.pw_name.startswith(USERS):
            pid = left.pw_name.removeprefix(USERS).partition("-")[0]
            if pid.isdigit() and not Path(f"/proc/{pid}").exists():
                _remove_user(left.pw_name)
    name = f"{USERS}{os.getpid()}-{os.urandom(2).hex()}"
    digest = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=password, check=True, capture_output=True, text=True
    ).stdout.strip()
    command = [program("useradd"), "--no-create-home", "--no-user-group", "--gid", "nogroup", "--no-log-init"]
    subprocess.run([*command, "--home-dir", str(home), "--shell", "/bin/sh", "--password", digest, name], check=True)
    try:
        yield name
    finally:
        _remove_user(name)


def _remove_user(name: str) -> None:
    subprocess.run([program("userdel"), "--force", name], check=True, capture_output=True)


# --------------------------------------------------------------------------------------------------------- asyncssh


class AsyncSshServer(SftpTestServer):
    """asyncssh's own server. The user sees nothing but the folder with the inbox."""

    def __init__(self, folder: Path, kinds: Sequence[str] = ("ed25519",), methods: str = "publickey,password") -> None:
        """`methods`: the ways of logging in, any of publickey, password and keyboard-interactive."""
        super().__init__(folder, kinds)
        self._methods = methods

    def command(self) -> list[str]:
        keys = [str(self.host_key_file(kind)) for kind in self.kinds]
        return [sys.executable, __file__, str(self.folder), str(self.port), self.user, self._methods, *keys]

    def freeze(self) -> None:
        """Keep its connections and say nothing any more."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def options(self) -> dict[str, Any]:
        return {"env": {**os.environ, "SFTP_PASSWORD": self.password}}


def _serve_asyncssh(folder: Path, port: int, user: str, methods: str, host_keys: Sequence[str]) -> None:
    """The main of the asyncssh process."""
    import asyncio

    import asyncssh

    log = (folder / "server.log").open("a", buffering=1)

    class Login(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return "password" in methods.split(",")

        def validate_password(self, username: str, password: str) -> bool:
            good = username == user and password == os.environ["SFTP_PASSWORD"]
            log.write(f"{'Accepted' if good else 'Failed'} password for {username}\n")
            return good

        def kbdint_auth_supported(self) -> bool:
            return "keyboard-interactive" in methods.split(",")

        def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
            return "", "", "", [("Wachtwoord: ", False)]

        def validate_kbdint_response(self, username: str, responses: Any) -> bool:
            good = username == user and list(responses) == [os.environ["SFTP_PASSWORD"]]
            log.write(f"{'Accepted' if good else 'Failed'} keyboard-interactive for {username}\n")
            return good

    class Inbox(asyncssh.SFTPServer):
        def __init__(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
            super().__init__(chan, chroot=bytes(folder))

    async def serve() -> None:
        await asyncssh.listen(
            "127.0.0.1",
            port,
            server_factory=Login,
            server_host_keys=host_keys,
            authorized_client_keys=str(folder / "user_key.pub") if "publickey" in methods.split(",") else None,
            sftp_factory=Inbox,
            reuse_address=True,
        )
        await asyncio.Event().wait()

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    asyncio.run(serve())


# ------------------------------------------------------------------------------------------------- context managers


@contextlib.contextmanager
def openssh_server(
    tmp_path: Path, *, kinds: Sequence[str] = ("ed25519",), settings: Sequence[str] = (), logged: bool = False
) -> Iterator[OpenSshServer]:
    """Its files lie outside `tmp_path`: pytest's folders are for root alone."""
    with tempfile.TemporaryDirectory(prefix="ingisfs-openssh-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        server = OpenSshServer(folder, "", kinds, settings, logged)
        server.user = stack.enter_context(system_user(folder, server.password))
        for path in (folder, server.root):
            shutil.chown(path, server.user)
        stack.callback(server.stop)
        server.start()
        yield server


@contextlib.contextmanager
def asyncssh_server(
    tmp_path: Path, *, kinds: Sequence[str] = ("ed25519",), methods: str = "publickey,password"
) -> Iterator[AsyncSshServer]:
    server = AsyncSshServer(tmp_path / "asyncssh", kinds, methods)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def counting_wire(port: int, pause: float = 0.2) -> Iterator[CountingWire]:
    wire = CountingWire(port, pause)
    wire.start()
    try:
        yield wire
    finally:
        wire.stop()


class CountingWire(threading.Thread):
    """One connection to a server on `port` that takes the bytes of one direction at a time, and counts the turns.

    What the server says is kept back until the client has been silent for `pause` seconds: then the client waits for
    an answer, and that is one round trip, however fast the machine is.
    """

    def __init__(self, port: int, pause: float) -> None:
        super().__init__(daemon=True)
        self.trips = 0
        self._server_port = port
        self._pause = pause
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.join()

    def run(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            with client, socket.create_connection(("127.0.0.1", self._server_port)) as server:
                self._carry(client, server)

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        kept = b""
        while True:
            readable, _, _ = select.select([client, server], [], [], self._pause)
            if not readable and kept:
                self.trips += 1
                client.sendall(kept)
                kept = b""
            for end in readable:
                data = end.recv(2**20)
                if not data:
                    return
                if end is client:
                    server.sendall(data)
                else:
                    kept += data


if __name__ == "__main__":
    _serve_asyncssh(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:])
