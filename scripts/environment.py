"""What test.py, demo.py and bench.py need before they start: a virtual environment in `.venv`, and Debian packages.

    from scripts.environment import enter

    enter(["stage", "king"], ["fuse3"])  # from here on the script runs under .venv

Standard library only, and no syntax that an older Python stumbles over: it is to say what is missing, not to fail.
Nothing is done twice: `.venv/ingisfs.json` tells what was installed, and from which pyproject.toml and Python.
The machine stays as it was: no service starts, now or at the next boot, and no package is removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

if sys.platform != "win32":
    import fcntl

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "ingisfs.json"
MINIMUM = (3, 11)
ENTERED = "INGISFS_ENVIRONMENT"  # set across the exec in `enter`

# Debian enables these at once. Whoever had no web, SSH or FTP server does not want one at the next boot either.
SERVICES = {
    "nginx": ["nginx.service"],
    "openssh-server": ["ssh.service", "ssh.socket"],
    "vsftpd": ["vsftpd.service"],
}

# What shows, where packages have other names than Debian's, that a program is there; not all can be told.
PROGRAMS = {
    "apache2-bin": "apache2",
    "btrfs-progs": "mkfs.btrfs",
    "e2fsprogs": "mkfs.ext4",
    "fonts-dejavu-core": None,
    "fuse3": "fusermount3",
    "ghostscript": "gs",
    "libnginx-mod-http-dav-ext": None,
    "libreoffice-writer-nogui": "soffice",
    "openssh-server": "sshd",
    "xvfb": "Xvfb",
}

# Run as root with the packages as arguments. policy-rc.d is how Debian is told not to start services. Should this shell
# be killed, its file allows them again by itself, and the next run takes it away.
INSTALL = """
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ] || grep -q 'made by ingisfs' $policy; then
    trap 'rm -f $policy' EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\\n# made by ingisfs for one installation\\n[ -d /proc/%s ] && exit 101\\nexit 0\\n' $$ > $policy
    chmod 755 $policy
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || echo 'apt-get update failed; trying with what is known' >&2
apt-get install --yes -qq --no-install-recommends --no-remove -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 "$@"
"""


def stop(sentence: str) -> NoReturn:
    """The machine lacks something: say what, and end with 2."""
    print(sentence, file=sys.stderr)
    raise SystemExit(2)


def enter(extras: Sequence[str], debian: Sequence[str] = (), optional: Sequence[str] = ()) -> None:
    """Prepare, and go on under `.venv`: the calling script starts again there, with the same arguments."""
    inside = Path(sys.prefix).resolve() == VENV.resolve()
    if os.environ.pop(ENTERED, None):
        if not inside:
            stop(f"{sys.executable} does not run in {VENV}. Remove that folder and try again.")
        return
    try:
        python = prepare(extras, debian, optional)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    if inside:
        return
    os.environ[ENTERED] = "1"
    sys.stdout.flush()
    if sys.platform == "win32":  # execv there returns to the prompt at once
        raise SystemExit(subprocess.call([python, *sys.argv]))
    os.execv(python, [str(python), *sys.argv])


def prepare(extras: Sequence[str], debian: Sequence[str] = (), optional: Sequence[str] = ()) -> Path:
    """Install what is missing, and return the Python of `.venv`. Ends with 2 where a person must do something.

    `debian` names packages as Debian writes a dependency: `libreoffice-writer-nogui | libreoffice-writer` is satisfied
    by either, and the first is installed. What is `optional` is installed where that is possible.
    """
    if sys.version_info[:2] < MINIMUM:
        stop(_too_old())
    with alone():
        _install_packages([*debian, *_venv_package()])
        _try_packages(optional)
        return _install_project(set(extras))


def require_fuse() -> None:
    """End with 2 and a plain sentence if this machine or container cannot mount a FUSE file system."""
    if sys.platform != "linux":
        return
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except FileNotFoundError:
        stop(
            "There is no /dev/fuse, so no drive can be mounted here. On a machine of your own: sudo modprobe fuse.\n"
            "In a container: start it with --device /dev/fuse --cap-add SYS_ADMIN."
        )
    except OSError as error:
        stop(f"/dev/fuse cannot be opened, so no drive can be mounted here: {error.strerror}.")


def _too_old() -> str:
    here = ".".join(map(str, sys.version_info[:3]))
    newer = [f"python3.{minor}" for minor in range(20, 10, -1) if shutil.which(f"python3.{minor}")]
    advice = f"{newer[0]} is here too: use that." if newer else "Install a newer one, from python.org or with uv."
    return f"ingisfs needs Python {MINIMUM[0]}.{MINIMUM[1]} or newer, and {sys.executable} is {here}. {advice}"


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One set-up of this checkout at a time. The lock is on the folder itself, so nothing is left behind."""
    if sys.platform == "win32":
        yield
        return
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another run is preparing .venv; waiting for it.", flush=True)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


# ---- Debian packages -------------------------------------------------------------------------------------------------


def _install_packages(wanted: Sequence[str]) -> None:
    if not wanted or sys.platform == "win32":
        return
    if not (shutil.which("apt-get") and shutil.which("dpkg-query")):
        _look_for_programs(wanted)
        return
    missing = _missing(wanted)
    if not missing:
        return
    become_root = _become_root()
    if become_root is None:
        stop(f"Debian packages are missing. Run this, and then this script again:\n\n  {_by_hand(missing)}")
    if not _install(missing, become_root) or _missing(wanted):
        stop(
            f"apt-get could not install what is needed. Run this, and then this script again:\n\n  {_by_hand(missing)}"
        )
    services = [service for package in missing for service in SERVICES.get(package, [])]
    if services and shutil.which("systemctl"):
        subprocess.run([*become_root, "systemctl", "disable", *services], capture_output=True)  # not all exist


def _try_packages(optional: Sequence[str]) -> None:
    """Install what is good to have. Who needs it sees for himself whether it is there."""
    if not optional or not (shutil.which("apt-get") and shutil.which("dpkg-query")):
        return
    missing = _missing(optional)
    become_root = _become_root() if missing else None
    if become_root is not None:
        _install(missing, become_root)


def _become_root() -> list[str] | None:
    """Return what has to stand before a command that only root may run; None if nothing helps."""
    if sys.platform == "win32":
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None


def _install(packages: Sequence[str], become_root: Sequence[str]) -> bool:
    print(f"Installing the Debian packages {' '.join(packages)}…", flush=True)
    command = [*become_root, "sh", "-c", INSTALL, "sh", *packages]
    return subprocess.run(command, stdin=subprocess.DEVNULL).returncode == 0


def _missing(wanted: Sequence[str]) -> list[str]:
    """What to install: the first alternative of each dependency that no installed package satisfies."""
    alternatives = [[name.strip() for name in dependency.split("|")] for dependency in wanted]
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n"]
    names = [name for group in alternatives for name in group]
    known = subprocess.run([*query, *names], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    installed = {line.split()[0] for line in known.splitlines() if line.endswith(" installed")}
    return [group[0] for group in alternatives if not installed.intersection(group)]


def _by_hand(packages: Sequence[str]) -> str:
    install = ["apt-get", "install", "--no-install-recommends", *packages]
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get update && {sudo}{shlex.join(install)}"


def _look_for_programs(wanted: Sequence[str]) -> None:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    programs = [PROGRAMS.get(name, name) for name in (dependency.split("|")[0].strip() for dependency in wanted)]
    absent = [program for program in programs if program and not shutil.which(program, path=path)]
    if absent:
        stop(
            f"Missing: {', '.join(absent)}. This is not Debian or Ubuntu, so please install them yourself.\n"
            f"On Debian they come with the packages: {', '.join(wanted)}."
        )


def _venv_package() -> list[str]:
    """Debian keeps a part of its Python's venv module in a package of its own. uv does without."""
    if shutil.which("uv") or importlib.util.find_spec("ensurepip"):
        return []
    if sys.base_prefix == "/usr" and shutil.which("apt-get"):
        return [f"python3.{sys.version_info.minor}-venv"]
    stop(f"{sys.executable} lacks the modules venv and ensurepip. Install them, or uv, or use another Python.")


# ---- the virtual environment -----------------------------------------------------------------------------------------


def _install_project(extras: set[str]) -> Path:
    python = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    origin = {
        "python": f"{sys.version_info.major}.{sys.version_info.minor} in {sys.base_prefix}",
        "checkout": str(ROOT),
        "pyproject": hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest(),
    }
    stamp = _read_stamp()
    installed = set(stamp.get("extras", []))
    if python.exists() and {**stamp, **origin} == stamp and extras <= installed:
        return python

    # A .venv without a stamp was interrupted, or a person made it: go on with it if it has this very Python.
    fresh = not _has_this_python(python) or stamp.get("checkout", str(ROOT)) != str(ROOT)
    if not fresh:
        extras |= installed  # demo.py wants less than test.py: do not take turns
    print(f"Preparing {VENV} with {', '.join(sorted(extras))}{' (once, about a minute)' if fresh else ''}…", flush=True)
    STAMP.unlink(missing_ok=True)
    target = f".[{','.join(sorted(extras))}]"
    if not (_with_uv(python, target, fresh) or _with_pip(python, target, fresh)):
        stop(f"The project could not be installed in {VENV}; see above. Mend that and run this script again.")
    STAMP.write_text(json.dumps({**origin, "extras": sorted(extras)}, indent=1), "utf-8")
    return python


def _read_stamp() -> dict[str, Any]:
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _has_this_python(python: Path) -> bool:
    try:
        question = "import sys; print(*sys.version_info[:2], sys.base_prefix)"
        answer = subprocess.run([python, "-c", question], stdout=subprocess.PIPE, text=True).stdout
    except OSError:
        return False
    return answer.split() == [*map(str, sys.version_info[:2]), *sys.base_prefix.split()]


def _with_uv(python: Path, target: str, fresh: bool) -> bool:
    uv = shutil.which("uv")
    if uv is None:
        return False
    base = str(getattr(sys, "_base_executable", sys.executable))
    commands = [
        *([[uv, "venv", "--quiet", "--clear", "--python", base, str(VENV)]] if fresh else []),
        [uv, "pip", "install", "--quiet", "--python", str(python), "--editable", target],
    ]
    if _all_succeed(commands):
        return True
    if importlib.util.find_spec("ensurepip") is None:
        return False
    print("uv could not do it; trying with pip.", flush=True)
    return False


def _with_pip(python: Path, target: str, fresh: bool) -> bool:
    if importlib.util.find_spec("ensurepip") is None:
        return False
    base = str(getattr(sys, "_base_executable", sys.executable))
    pip = [str(python), "-m", "pip"]
    has_pip = not fresh and subprocess.run([*pip, "--version"], capture_output=True).returncode == 0
    return _all_succeed(
        [
            *([] if has_pip else [[base, "-m", "venv", "--clear", str(VENV)]]),
            [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-input", "--editable", target],
        ]
    )


def _all_succeed(commands: Sequence[Sequence[str]]) -> bool:
    return all(subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL).returncode == 0 for command in commands)
