"""Invoices that nobody here wrote: the examples that other projects ship in their packages, for our tests.

    from scripts.sample_invoices import prepare

    files = prepare()  # in `.venv`; the name of each file, and where it lies

They come from the package index that pip is configured for, pinned by their hash. Nothing of the packages is installed
or run, only unpacked, and nothing of it is ever committed.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

from scripts.environment import VENV, alone
from scripts.windows_python import UnavailableError, pip

FOLDER = VENV / "samples"
WHEELS = [
    # UBL from the Netherlands (the reference invoice of the national chain test) and from Belgium
    "odoo-addon-account-invoice-import-ubl==18.0.1.2.0"
    " --hash=sha256:4d629cbdba15f43bf5587e5551fccd44e65d203abc485e9ba5be24fc2b2e32b1",
    # Factur-X and ZUGFeRD: PDF/A-3 with the invoice as XML inside
    "odoo-addon-account-invoice-import-facturx==18.0.1.1.0.2"
    " --hash=sha256:011698664d2e40d99c8dc5911123537ca8225168d14069501b66f6587c85365b",
    # the examples that come with UBL 2.1 itself
    "trytond-edocument-ubl==8.2.0 --hash=sha256:cca9503c946db3b0a344dd89ad297daad7df097b6ddc54fed7dba69a205c09f5",
    # an invoice of EN 16931 in the other syntax, CII
    "trytond-edocument-uncefact==8.2.0 --hash=sha256:5df2a939636912a4d349c28fbf4e4dca3c48898e8ddb420c3cf52ecf795308a1",
]


def prepare() -> dict[str, Path]:
    """Make what is missing, and return each example by its name. Raises UnavailableError."""
    stamp = FOLDER / "samples.json"
    with alone():
        if not stamp.exists() or json.loads(stamp.read_text("utf-8")) != WHEELS:
            print(f"Preparing sample invoices in {FOLDER} (once)…", flush=True)
            shutil.rmtree(FOLDER, ignore_errors=True)
            _download(FOLDER / "making")
            shutil.rmtree(FOLDER / "making")
            stamp.write_text(json.dumps(WHEELS, indent=1), "utf-8")
    return {path.name: path for path in sorted(FOLDER.iterdir()) if path != stamp}


def _download(making: Path) -> None:
    making.mkdir(parents=True)
    (making / "wheels.txt").write_text("\n".join(WHEELS) + "\n", "utf-8")
    options = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--dest", str(making)]
    pip("download", *options, "--requirement", str(making / "wheels.txt"))
    for wheel in making.glob("*.whl"):
        with zipfile.ZipFile(wheel) as packed:
            for member in packed.namelist():
                name = member.rpartition("/")[2]
                if "/tests/" in member and name.lower().endswith((".xml", ".pdf")):
                    (FOLDER / name).write_bytes(packed.read(member))
    if not list(FOLDER.glob("*.xml")):
        raise UnavailableError("the packages hold no examples any more")


if __name__ == "__main__":
    for found in prepare().values():
        print(found)
