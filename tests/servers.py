"""Real servers for the tests, each in a process of its own: WsgiDAV, Apache, nginx, and our own stage.

Each context manager (`wsgidav_server`, `apache_server`, `nginx_server`, `stage_server`) gives a running `Server`.
All of them offer the same inbox, `http://127.0.0.1:PORT/inbox/`, behind Basic auth.

What they do, as tried here; test_servers.py holds each row but the last, which is chance:

|                                        | WsgiDAV 4.4       | Apache 2.4     | nginx 1.22, dav-ext 3 | stage   |
| -------------------------------------- | ----------------- | -------------- | --------------------- | ------- |
| MOVE `Overwrite: F` to a new name      | 201               | 201            | 204                   | 201     |
| MOVE `Overwrite: F` to a taken name    | 412               | 412            | 412                   | 412     |
| PUT `If-None-Match: *` on a taken name | 412               | 412            | 204: overwritten      | 412     |
| PUT into a folder that is not there    | 409               | 409            | 500                   | 409     |
| MOVE into a folder that is not there   | 409               | 500            | 204: makes it         | 409     |
| PROPFIND depth 1 lists `.name`         | yes               | yes            | no (depth 0 does)     | yes     |
| `getetag` in PROPFIND                  | no quotes         | yes            | no (HEAD has one)     | yes     |
| ETag is made of                        | inode, time, size | time, size     | time, size            | SHA-256 |
| ETag within a second of the PUT        | final             | `W/` before it | final                 | final   |
| ETag and time after MOVE               | same              | same           | same                  | same    |
| 16 MOVEs `Overwrite: F` at once to one | up to 4           | up to 16       | 1                     | 1       |
| new name: so many heard that they made |                   |                |                       |         |
| it (300 rounds)                        |                   |                |                       |         |

But for the stage they look first and rename then (nginx's window is just too small to hit here), so `Overwrite: F`
protects against what was there before, and not against another client that takes the same name in the same moment.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import httpx

USER = "king"
INBOX = "/inbox/"


T = TypeVar("T")


def wait_for(condition: Callable[[], T], what: str, seconds: float = 10.0) -> T:
    """Poll until `condition()` is true and return what it gave; an AssertionError says what was awaited in vain."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for: {what}"
        time.sleep(0.01)
    return value


def free_port() -> int:
    """A TCP port on the loopback that nobody listens on.

    Below the range the kernel hands out to outgoing connections: a client could otherwise be given this very port while
    the server is stopped for a restart, or even connect to itself. It stays ours until this process ends: other
    processes that run tests on this machine, now or in a moment, look for theirs elsewhere.
    """
    while not (_claim(port := random.randrange(20_000, 32_000)) and _is_free(port)):
        pass
    return port


_claimed: set[int] = set()
_claims: list[int] = []  # the open file that has a lock for each port; they end with the process


def _claim(port: int) -> bool:
    if sys.platform == "win32":  # no other process runs tests there
        return True
    import fcntl

    if port in _claimed:
        return False
    if not _claims:
        place = Path(tempfile.gettempdir()) / f"ingisfs-test-ports-{os.getuid()}"
        _claims.append(os.open(place, os.O_RDWR | os.O_CREAT, 0o600))
    try:
        fcntl.lockf(_claims[0], fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    _claimed.add(port)
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection's last minute does not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def program(name: str) -> str:
    """Where the system keeps this program. Debian leaves the sbin folders out of an ordinary user's PATH."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]))
    if found is None:
        raise RuntimeError(f"{name} is not installed; `python3 scripts/test.py` installs all that the tests need")
    return found


class Server(ABC):
    """One server process, and the folder into which its inbox stores documents.

    `folder` is ours for configuration and logs; `root` is where the files land.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "inbox"
        self.root.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.user = USER
        self.password = secrets.token_urlsafe(12)
        self.access_log = folder / "access.log"
        self._output = folder / "output.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The inbox, with the closing slash."""
        return f"http://127.0.0.1:{self.port}{INBOX}"

    @property
    def auth(self) -> tuple[str, str]:
        return self.user, self.password

    @abstractmethod
    def command(self) -> list[str]:
        """Write what configuration the server needs and say how to start it, in the foreground."""

    def options(self) -> dict[str, Any]:
        """More arguments for Popen."""
        return {}

    def start(self) -> None:
        """Start, on the same port and folder as before, and wait until the port answers."""
        assert self._process is None, "it runs already"
        if self._output.exists():
            wait_for(lambda: _is_free(self.port), f"port {self.port} to be free again", 30.0)
        if not _is_free(self.port):  # nginx would wait for it, and we would take the other's answer for ours
            raise RuntimeError(f"something else listens on port {self.port}")
        with self._output.open("ab") as output:
            # A session of its own: Ctrl-C must not take the server away before the test has cleaned up.
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self.options(),
            )
        try:
            wait_for(self._answers, f"{type(self).__name__} to listen on port {self.port}", 60.0)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop and wait until it is gone. Stopping what does not run is fine."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # its workers too: they hold the port
            process.wait()

    def names(self) -> list[str]:
        """The files that lie in the inbox now, temporary ones among them, sorted."""
        return sorted(entry.name for entry in os.scandir(self.root) if entry.is_file())

    def requests(self) -> list[tuple[str, str, int]]:
        """Method, decoded path and status of every request since the first start.

        A server writes its log line after its answer: wait for it with `wait_for`.
        """
        if not self.access_log.exists():
            return []
        lines = self.access_log.read_text("utf-8", "replace").split("\n")[:-1]  # what follows is not finished yet
        return [(method, unquote(urlsplit(target).path), int(status)) for status, method, target in map(_fields, lines)]

    def _answers(self) -> bool:
        assert self._process is not None
        if (code := self._process.poll()) is not None:
            raise RuntimeError(f"{type(self).__name__} ended with {code}: {self._output.read_text(errors='replace')}")
        with socket.socket() as client:
            client.settimeout(1)
            return client.connect_ex(("127.0.0.1", self.port)) == 0


def _fields(line: str) -> tuple[str, str, str]:
    """`201 PUT /inbox/1.pdf HTTP/1.1`; a request that never came whole has only its status."""
    status, method, target, *_ = [*line.split(" "), "", ""]
    return status, method, target


def _htpasswd(server: Server) -> str:
    """A line that Apache and nginx both read. SHA-1, so that a benchmark measures the server and not bcrypt."""
    digest = base64.b64encode(hashlib.sha1(server.password.encode()).digest()).decode()
    return f"{server.user}:{{SHA}}{digest}\n"


# ---------------------------------------------------------------------------------------------------------- WsgiDAV


class WsgiDavServer(Server):
    """WsgiDAV under cheroot: 40 threads, 200 connections kept alive."""

    renames = True  # False: knows no MOVE
    digest = False  # True: takes no other log-in

    def command(self) -> list[str]:
        return [sys.executable, __file__, str(self.root), str(self.port), str(self.access_log)]

    def options(self) -> dict[str, Any]:
        return {
            "env": {
                **os.environ,
                "DAV_USER": self.user,
                "DAV_PASSWORD": self.password,
                "DAV_MOVE": str(self.renames),
                "DAV_DIGEST": "1" if self.digest else "",
            }
        }


def _serve_wsgidav(root: str, port: str, access_log: str) -> None:
    """The main of the WsgiDAV process."""
    from cheroot import wsgi
    from wsgidav.wsgidav_app import WsgiDAVApp

    digest = bool(os.environ["DAV_DIGEST"])
    people = {os.environ["DAV_USER"]: {"password": os.environ["DAV_PASSWORD"]}}
    app = WsgiDAVApp(
        {
            "provider_mapping": {INBOX.rstrip("/"): root},
            "http_authenticator": {"accept_basic": not digest, "accept_digest": digest, "default_to_digest": digest},
            "simple_dc": {"user_mapping": {"*": people}},
            "dir_browser": {"enable": False},
            "logging": {"enable": False},
            "verbose": 0,
        }
    )
    log = open(access_log, "a", buffering=1, encoding="utf-8")  # noqa: SIM115 - open for as long as the process lives

    def logged(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        def start(status: str, *rest: Any) -> Any:
            log.write(f"{status[:3]} {environ['REQUEST_METHOD']} {environ['REQUEST_URI']} HTTP/1.1\n")
            return start_response(status, *rest)

        if environ["REQUEST_METHOD"] == "MOVE" and os.environ["DAV_MOVE"] == "False":
            start("405 Method Not Allowed", [("Content-Length", "0")])
            return []
        return app(environ, start)

    server = wsgi.Server(("127.0.0.1", int(port)), logged, numthreads=40, request_queue_size=128)
    server.keep_alive_conn_limit = 200
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        server.start()
    finally:
        server.stop()


# ----------------------------------------------------------------------------------------------------------- Apache


class ApacheServer(Server):
    """Debian's apache2 (package apache2-bin) with mod_dav, in a configuration of its own.

    While a PUT is going on, mod_dav_fs keeps its bytes as `.davfs.tmp…` in the folder, so half files never show.
    """

    more_modules: Sequence[str] = ()
    more = ""  # lines of configuration, for the whole server
    login = 'AuthType Basic\n  AuthName "inbox"\n  AuthUserFile "{folder}/htpasswd"\n  Require valid-user'

    def command(self) -> list[str]:
        modules = ["mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "dav", "dav_fs"]
        modules += self.more_modules
        (self.folder / "htpasswd").write_text(_htpasswd(self))
        (self.folder / "apache.conf").write_text(
            "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules)
            + f"""
ServerRoot "{self.folder}"
DefaultRuntimeDir "{self.folder}"
PidFile "{self.folder}/apache.pid"
ServerName 127.0.0.1
Listen 127.0.0.1:{self.port}
StartServers 2
ThreadsPerChild 32
MaxRequestWorkers 128
ServerLimit 4
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
ErrorLog "{self.folder}/error.log"
LogFormat "%>s %r" plain
CustomLog "{self.access_log}" plain
DocumentRoot "{self.folder}"
DavLockDB "{self.folder}/davlock"
<Location "/">
  Require all denied
</Location>
<Location "{INBOX}">
  Dav On
  {self.login.format(folder=self.folder)}
</Location>
{self.more}
"""
        )
        return [program("apache2"), "-d", str(self.folder), "-f", str(self.folder / "apache.conf"), "-DFOREGROUND"]

    def options(self) -> dict[str, Any]:
        return {"user": "www-data", "group": "www-data", "extra_groups": []} if os.geteuid() == 0 else {}


# ------------------------------------------------------------------------------------------------------------ nginx


class NginxServer(Server):
    """Debian's nginx with its dav module and arut's dav-ext (PROPFIND, OPTIONS), in a configuration of its own.

    A PUT is collected in a folder of its own and renamed into place, so half files never show. `Overwrite: F` is obeyed
    (412 on a taken name), but success is 204 for a new name too. dav-ext leaves names with a leading dot out of every
    listing: a temporary name must be asked for by itself (PROPFIND depth 0, or HEAD), or not begin with a dot.
    """

    methods = "PUT DELETE MKCOL COPY MOVE"
    listens = ""  # how else than in the clear
    more = ""  # lines of configuration

    def command(self) -> list[str]:
        (self.folder / "htpasswd").write_text(_htpasswd(self))
        (self.folder / "nginx.conf").write_text(
            f"""
load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
{"user root root;" if os.geteuid() == 0 else ""}
daemon off;
worker_processes 2;
pid "{self.folder}/nginx.pid";
error_log "{self.folder}/error.log";
events {{ worker_connections 512; }}
http {{
  log_format plain '$status $request';
  access_log "{self.access_log}" plain;
  client_body_temp_path "{self.folder}/body";
  proxy_temp_path "{self.folder}/proxy";
  fastcgi_temp_path "{self.folder}/fastcgi";
  uwsgi_temp_path "{self.folder}/uwsgi";
  scgi_temp_path "{self.folder}/scgi";
  client_max_body_size 0;
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{self.port} backlog=128{self.listens};
    {self.more}
    location / {{ return 404; }}
    location {INBOX} {{
      root "{self.folder}";
      auth_basic inbox;
      auth_basic_user_file "{self.folder}/htpasswd";
      dav_methods {self.methods};
      dav_ext_methods PROPFIND OPTIONS;
      create_full_put_path off;
    }}
  }}
}}
"""
        )
        return [program("nginx"), "-p", str(self.folder), "-c", "nginx.conf", "-e", str(self.folder / "error.log")]


# --------------------------------------------------------------------------------------------------- our own stage


class StageServer(Server):
    """`ingisfs stage`, our local INGIS. It keeps no access log."""

    def command(self) -> list[str]:
        stage = [sys.executable, "-m", "ingisfs", "stage", "--folder", str(self.folder), "--port", str(self.port)]
        return [*stage, "--batch", "off"]  # what is delivered stays where a test looks for it

    def options(self) -> dict[str, Any]:
        return {"env": {**os.environ, "INGISFS_STAGE_PASSWORD": self.password}}

    def requests(self) -> list[tuple[str, str, int]]:
        raise TypeError("the stage keeps no access log: ask wsgidav_server, apache_server or nginx_server")

    def received(self) -> list[dict[str, Any]]:
        """What the running stage tells of each whole document: name, size, sha256 and received_at."""
        answer = httpx.get(f"http://127.0.0.1:{self.port}/inbox.json", auth=self.auth, trust_env=False)
        documents: list[dict[str, Any]] = answer.raise_for_status().json()
        return documents


# ------------------------------------------------------------------------------------------------ context managers


@contextlib.contextmanager
def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def wsgidav_server(tmp_path: Path, renames: bool = True) -> Iterator[Server]:
    server = WsgiDavServer(tmp_path / "wsgidav")
    server.renames = renames
    with _running(server):
        yield server


@contextlib.contextmanager
def apache_server(tmp_path: Path) -> Iterator[Server]:
    """As root its files lie outside `tmp_path`: Apache is www-data then, and pytest's folders are for root alone."""
    if os.geteuid() != 0:
        with _running(ApacheServer(tmp_path / "apache")) as server:
            yield server
        return
    with tempfile.TemporaryDirectory(prefix="ingisfs-apache-") as folder:
        server = ApacheServer(Path(folder))
        for path in (server.folder, server.root):
            shutil.chown(path, "www-data", "www-data")
        with _running(server):
            yield server


@contextlib.contextmanager
def nginx_server(tmp_path: Path, methods: str = NginxServer.methods) -> Iterator[Server]:
    server = NginxServer(tmp_path / "nginx")
    server.methods = methods
    with _running(server):
        yield server


@contextlib.contextmanager
def stage_server(tmp_path: Path) -> Iterator[StageServer]:
    server = StageServer(tmp_path / "stage")
    with _running(server):
        yield server


if __name__ == "__main__":
    _serve_wsgidav(*sys.argv[1:])
