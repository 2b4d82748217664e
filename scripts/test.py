#!/usr/bin/env python3
"""Check everything: lint, format, types and tests.

    python3 scripts/test.py [--all] [--quick] [pytest arguments…]

Installs what is missing first (see environment.py), so that this one command is enough on a fresh machine.
Ends with 0 if all is well, and with pytest's own closing line.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.environment import ROOT, enter, require_fuse

EXTRAS = ["dev", "stage", "king"]
DEBIAN = [
    "apache2-bin",  # the program only: the package apache2 would bring the service
    "btrfs-progs",  # a small disk with a quota
    "chromium",
    "dbus-daemon | dbus",  # a session bus for alarms …
    "dunst",  # … that are shown by a real notification daemon …
    "e2fsprogs",  # a small disk
    "fonts-dejavu-core",
    "fuse3",
    "libfuse2",  # the drive runs on both
    "ghostscript",
    "libnginx-mod-http-dav-ext",
    "libreoffice-writer-nogui | libreoffice-writer",
    "nginx",
    "openssh-server",
    "rsync",
    "strace",
    "vsftpd",
    "xvfb",  # … on a display that nobody sees
]
# For the tests under Wine, which are left out, and say so, where it is not.
WINE = ["wine", "wine64", "gcc-mingw-w64-x86-64", "nsis"] if platform.machine() == "x86_64" else []


def main() -> int:
    parser = argparse.ArgumentParser(description="Check everything: lint, format, types and tests.")
    parser.add_argument("--all", action="store_true", help="the tests that take minutes too")
    parser.add_argument("--quick", action="store_true", help="only the tests: no lint, no types")
    options, pytest_arguments = parser.parse_known_args()
    require_fuse()
    enter(EXTRAS, DEBIAN, WINE)
    if WINE:
        prepare_for_wine()
    prepare_samples()

    checks = [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]]
    # Most tests wait for something most of the time, so three files at once cost two processors little.
    tests = [
        "pytest",
        "-n",
        "3",
        "--dist",
        "loadscope",  # as tests/conftest.py has it
        "--no-loadscope-reorder",
        *([] if options.all else ["-m", "not long"]),
        *pytest_arguments,
    ]
    for check in [*([] if options.quick else checks), tests]:
        started = time.monotonic()
        print(f"── {' '.join(check)}", flush=True)
        code = subprocess.run([sys.executable, "-m", *check], cwd=ROOT).returncode
        if code:
            print(f"── {check[0]} failed after {time.monotonic() - started:.1f} s", flush=True)
            return code
        if check is not tests:  # pytest's closing line tells its time, and is to be the last
            print(f"   {time.monotonic() - started:.1f} s", flush=True)
    return 0


def prepare_for_wine() -> None:
    """Have downloaded what the tests under Wine need; they are left out where that cannot be."""
    from scripts import windows_python  # not for a Python that `enter` refuses

    try:
        windows_python.prepare()
    except windows_python.UnavailableError as error:
        print(f"No tests on Windows' Python: {error}", flush=True)


def prepare_samples() -> None:
    """Have downloaded the invoices of others that tests send; those tests fail where that cannot be."""
    from scripts import sample_invoices, windows_python

    try:
        sample_invoices.prepare()
    except windows_python.UnavailableError as error:
        print(f"No sample invoices: {error}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
