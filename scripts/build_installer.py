#!/usr/bin/env python3
"""Build the installer for Windows, on Linux: `setup.exe` with Python, its libraries and ingisfs in it.

    python3 scripts/build_installer.py [--output DIR] [--version V] [--winfsp MSI] [--sign COMMAND]
    python3 scripts/build_installer.py --lock

See docs/installer.md. Everything that comes from elsewhere is pinned by its hash: Python in windows_python.py, the
libraries in windows.lock, which `--lock` writes anew. Files go in sorted and with one time, SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

import argparse
import datetime
import email.message
import email.parser
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import uuid
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.environment import ROOT, enter, stop
from scripts.windows_python import FOLDER, TARGET, VERSION, UnavailableError, embed, pip, requirements

HERE = Path(__file__).resolve().parent
LOCK = HERE / "windows.lock"
SOURCES = HERE / "installer"
WHEELS = FOLDER / "downloads" / "wheels"
EXTRAS = ("stage", "tray")
GCC = "x86_64-w64-mingw32-gcc"
DEBIAN = ["nsis", "gcc-mingw-w64-x86-64"]
MISSING = (
    "{program} is missing, which makes the installer. On Debian: apt-get install --no-install-recommends {package}"
)

# As markers see the machine that it is installed on.
WINDOWS = {
    "implementation_name": "cpython",
    "os_name": "nt",
    "platform_machine": "AMD64",
    "platform_python_implementation": "CPython",
    "platform_system": "Windows",
    "python_full_version": "3.11.9",
    "python_version": VERSION,
    "sys_platform": "win32",
}

# Nothing outside of the folder is looked at: neither the user's packages nor any PYTHON… variable.
PATH_FILE = "python311.zip\n.\nsite-packages\n"

WINFSP = """WinFsp - Windows File System Proxy, Copyright (C) Bill Zissimopoulos
https://github.com/winfsp/winfsp

ingisfs uses WinFsp, which is not a part of this folder; its own installer may lie beside that of ingisfs, unchanged.
It is licensed under the GPLv3 with an exception for free and open source software, of which ingisfs is a part.
"""

DOCS = ("SECURITY.md", "README.md", "CHANGELOG.md")


@dataclass(frozen=True)
class Wheel:
    """One library that goes in."""

    path: Path
    metadata: email.message.Message

    @property
    def name(self) -> str:
        """Its name, as indexes write it."""
        return canonical(self.metadata["Name"])

    @property
    def version(self) -> str:
        """Its version."""
        return str(self.metadata["Version"])

    @property
    def line(self) -> str:
        """Its line in the lock file."""
        return f"{self.name}=={self.version} --hash=sha256:{digest(self.path)}"

    def needs(self, extras: Iterable[str]) -> list[tuple[str, frozenset[str]]]:
        """Return what it needs on Windows with these extras: names, each with the extras that are asked of it."""
        from packaging.requirements import Requirement

        found = []
        for line in self.metadata.get_all("Requires-Dist", []):
            needed = Requirement(line)
            contexts = [{**WINDOWS, "extra": extra} for extra in ("", *extras)]
            if needed.marker is None or any(needed.marker.evaluate(context) for context in contexts):
                found.append((canonical(needed.name), frozenset(needed.extras)))
        return found


def canonical(name: str) -> str:
    """Return a project's name as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def digest(path: Path) -> str:
    """Return a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ---- libraries ---------------------------------------------------------------------------------------------------


def read_wheel(path: Path) -> Wheel:
    """Return a wheel with what it says about itself."""
    with zipfile.ZipFile(path) as wheel:
        name = next(each for each in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", each))
        return Wheel(path, email.parser.Parser().parsestr(wheel.read(name).decode("utf-8")))


def closure(wheels: Iterable[Wheel]) -> dict[str, list[str]]:
    """Return what ingisfs needs on Windows, and what each of it needs. Raises UnavailableError if one is not there."""
    from packaging.requirements import Requirement

    there = {wheel.name: wheel for wheel in wheels}
    found: dict[str, list[str]] = {}
    asked = {("ingisfs", "")}
    todo = [(canonical(r.name), frozenset(r.extras)) for r in map(Requirement, requirements(EXTRAS)) if _ours(r.name)]
    while todo:
        name, extras = todo.pop()
        if name not in there:
            raise UnavailableError(f"{name} is needed on Windows, but not there: see MORE in windows_python.py")
        needs = there[name].needs(extras)
        found[name] = sorted({*found.get(name, []), *(each for each, _ in needs)})
        new = [(each, some) for each, some in needs if not {(each, extra) for extra in ("", *some)} <= asked]
        asked |= {(each, extra) for each, some in new for extra in ("", *some)}
        todo += new
    return found


def _ours(name: str) -> bool:
    """Tell whether pyproject.toml asks for it, and not only MORE."""
    from packaging.requirements import Requirement

    from scripts.windows_python import MORE

    return canonical(name) not in {canonical(Requirement(each).name) for each in MORE}


def lock() -> list[str]:
    """Choose the newest libraries that fit, and return the lines of the lock file. Raises UnavailableError."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text("\n".join(requirements(EXTRAS)) + "\n", "utf-8")
        pip("download", *TARGET, "--dest", folder, "--requirement", str(wanted))
        wheels = [read_wheel(path) for path in Path(folder).glob("*.whl")]
        needed = closure(wheels)  # pip has looked at it with this machine's markers too
        return sorted(wheel.line for wheel in wheels if wheel.name in needed)


def locked_wheels() -> list[Wheel]:
    """Return the wheels of the lock file, with the hashes that it tells. Raises UnavailableError."""
    hashes = {line.rpartition(":")[2]: line.partition(" ")[0] for line in _lock_lines()}
    WHEELS.mkdir(parents=True, exist_ok=True)

    def there() -> dict[str, Path]:
        found = {digest(path): path for path in WHEELS.glob("*.whl")}
        return {each: found[each] for each in hashes if each in found}

    if len(there()) < len(hashes):
        pip("download", "--no-deps", "--require-hashes", *TARGET, "--dest", str(WHEELS), "--requirement", str(LOCK))
    found = there()
    if absent := [name for each, name in hashes.items() if each not in found]:
        raise UnavailableError(f"not there with the hash in {LOCK.name}: {', '.join(absent)}")
    return sorted((read_wheel(path) for path in found.values()), key=lambda wheel: wheel.name)


def _lock_lines() -> list[str]:
    lines = [line.strip() for line in LOCK.read_text("utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def unpack(wheel: Path, target: Path) -> None:
    """Unpack what Python imports of a wheel; programs and data files are not used."""
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            parts = Path(info.filename).parts
            assert ".." not in parts, info.filename
            assert not Path(info.filename).is_absolute(), info.filename
            if parts[0].endswith(".data"):
                if parts[1] not in ("purelib", "platlib"):
                    continue
                parts = parts[2:]
            if info.is_dir() or not parts:
                continue
            path = target.joinpath(*parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(info))


def ingisfs_wheel(version: str, folder: Path) -> Path:
    """Build the wheel of this checkout under a version; nothing in the checkout changes."""
    source = folder / "source"
    shutil.copytree(ROOT / "ingisfs", source / "ingisfs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "docs", source / "docs")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    module = source / "ingisfs" / "__init__.py"
    module.write_text(_with_version(module.read_text("utf-8"), version), "utf-8")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "wheel")]
    subprocess.run(command, cwd=source, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return next((folder / "wheel").glob("*.whl"))


def own_version() -> str:
    """Return this checkout's version."""
    found = re.search(r'__version__ = "([^"]+)"', (ROOT / "ingisfs" / "__init__.py").read_text("utf-8"))
    assert found is not None
    return found[1]


def _with_version(text: str, version: str) -> str:
    return re.sub(r'__version__ = "[^"]+"', f'__version__ = "{version}"', text)


# ---- licences and the bill of materials ----------------------------------------------------------------------------


def copy_licenses(site_packages: Path, licenses: Path) -> None:
    """Copy every licence to where a person finds it. What a library has none of is told from its own description."""
    for info in sorted(site_packages.glob("*.dist-info")):
        metadata = email.parser.Parser().parsestr((info / "METADATA").read_text("utf-8"))
        target = licenses / canonical(metadata["Name"])
        target.mkdir(parents=True, exist_ok=True)
        texts = [path for path in sorted(info.rglob("*")) if path.is_file() and _is_license(path.relative_to(info))]
        for path in texts:
            relative = path.relative_to(info)
            place = target / "-".join(relative.parts[1:] if len(relative.parts) > 1 else relative.parts)
            shutil.copyfile(path, place)
        if not texts:
            told = [f"{metadata['Name']} {metadata['Version']}", f"License: {license_of(metadata)}"]
            told += [value for key, value in metadata.items() if key in ("Author", "Home-page", "Project-URL")]
            (target / "LICENSE.txt").write_text("\n".join(told) + "\n", "utf-8")


def _is_license(path: Path) -> bool:
    return path.parts[0] == "licenses" or bool(re.match(r"(licen[cs]e|copying|notice|authors)", path.name, re.I))


def license_of(metadata: email.message.Message) -> str:
    """Return a library's licence as it names it: an SPDX expression if it has one."""
    named = metadata["License-Expression"] or metadata["License"] or ""
    classified = [each for each in metadata.get_all("Classifier", []) if each.startswith("License :: ")]
    if named and "\n" not in named and named.upper() != "UNKNOWN":
        return str(named)
    return " AND ".join(each.rpartition(" :: ")[2] for each in classified) or "unknown"


def bill(version: str, wheels: Sequence[Wheel], python: Path, at: int, winfsp: Path | None = None) -> dict[str, Any]:
    """Return the bill of materials: https://cyclonedx.org/docs/1.6/json/."""
    needs = closure(wheels)
    own = f"pkg:pypi/ingisfs@{version}"
    references = {wheel.name: f"pkg:pypi/{wheel.name}@{wheel.version}" for wheel in wheels}
    components = [
        {
            "type": "library",
            "bom-ref": references[wheel.name],
            "name": wheel.name,
            "version": wheel.version,
            "purl": references[wheel.name],
            "hashes": [{"alg": "SHA-256", "content": digest(wheel.path)}],
            "licenses": _licenses(wheel.metadata),
        }
        for wheel in wheels
    ]
    inside = [
        ("application", "cpython", "python311.dll", "PSF-2.0"),
        ("library", "openssl", "libcrypto-3.dll", "Apache-2.0"),
        ("library", "sqlite", "sqlite3.dll", "blessing"),
    ]
    runtime = []
    for kind, name, file, identifier in inside:
        found = resource_version(python / file)
        runtime.append(f"pkg:generic/{name}@{found}")
        components.append(
            {
                "type": kind,
                "bom-ref": runtime[-1],
                "name": name,
                "version": found,
                "purl": runtime[-1],
                "hashes": [{"alg": "SHA-256", "content": digest(python / file)}],
                "licenses": [{"license": {"id": identifier}}],
            }
        )
    components.append(
        {
            "type": "application",
            "bom-ref": "pkg:github/winfsp/winfsp",
            "name": "WinFsp",
            "purl": "pkg:github/winfsp/winfsp",
            "scope": "excluded",
            "description": "Not included: installed by its own installer. " + WINFSP.splitlines()[0],
            **({"hashes": [{"alg": "SHA-256", "content": digest(winfsp)}]} if winfsp is not None else {}),
            "licenses": [{"license": {"id": "GPL-3.0-only"}}],
            "externalReferences": [{"type": "website", "url": "https://github.com/winfsp/winfsp"}],
        }
    )
    direct = [references[name] for name in sorted(_direct())]
    dependencies = [{"ref": own, "dependsOn": sorted([*direct, *runtime, "pkg:github/winfsp/winfsp"])}]
    dependencies += [
        {"ref": references[name], "dependsOn": [references[each] for each in needs[name]]} for name in sorted(needs)
    ]
    contents = hashlib.sha256(json.dumps([version, components]).encode()).hexdigest()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, contents)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "ingisfs",
                "version": version,
                "purl": own,
                "licenses": [{"license": {"id": "MIT"}}],
            },
        },
        "components": components,
        "dependencies": dependencies,
    }


def _direct() -> set[str]:
    from packaging.requirements import Requirement

    return {canonical(each.name) for each in map(Requirement, requirements(EXTRAS)) if _ours(each.name)}


def _licenses(metadata: email.message.Message) -> list[dict[str, Any]]:
    if metadata["License-Expression"]:
        return [{"expression": metadata["License-Expression"]}]
    return [{"license": {"name": license_of(metadata)}}]


def resource_version(path: Path) -> str:
    """Return the version in the resources of a program or library for Windows, as it is written there."""
    key = "ProductVersion".encode("utf-16-le") + b"\0\0"
    content = path.read_bytes()
    at = content.rfind(key)
    if at < 0:
        return "unknown"
    text = content[at + len(key) : at + len(key) + 64].decode("utf-16-le", "replace")
    return text.lstrip("\0").partition("\0")[0].replace(", ", ".") or "unknown"


# ---- the installer -------------------------------------------------------------------------------------------------


def fill(program: Path, version: str, at: int, work: Path, winfsp: Path | None = None) -> dict[str, Any]:
    """Put everything that is installed into the folder `program`, and return its bill of materials."""
    wheels = locked_wheels()
    needed = closure(wheels)
    if superfluous := sorted({wheel.name for wheel in wheels} - set(needed)):
        raise UnavailableError(f"{LOCK.name} has more than is needed: {', '.join(superfluous)}. Write it anew.")
    python = program / "python"
    program.mkdir(parents=True)
    embed(python)
    site_packages = python / "site-packages"
    for path in (*(wheel.path for wheel in wheels), ingisfs_wheel(version, work)):
        unpack(path, site_packages)
    (python / "python311._pth").write_text(PATH_FILE, "ascii", newline="\r\n")
    _compile(site_packages)

    licenses = program / "licenses"
    copy_licenses(site_packages, licenses)
    (licenses / "cpython").mkdir()
    shutil.copyfile(python / "LICENSE.txt", licenses / "cpython" / "LICENSE.txt")
    (licenses / "winfsp").mkdir()
    (licenses / "winfsp" / "NOTICE.txt").write_text(WINFSP, "utf-8", newline="\r\n")
    docs = program / "docs"
    docs.mkdir()
    for path in (*(ROOT / name for name in DOCS), *sorted((ROOT / "docs").glob("*.md"))):
        if path.exists():
            (docs / path.with_suffix(".txt").name).write_text(path.read_text("utf-8"), "utf-8-sig", newline="\r\n")

    found = bill(version, wheels, python, at, winfsp)
    (program / "sbom.cdx.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    (program / "installed.json").write_text(json.dumps({"version": version}) + "\n", "utf-8")
    options = ["-municode", "-O1", "-Wall", "-Wextra", "-Werror", "-s", "-Wl,--no-insert-timestamp"]
    _run([GCC, *options, str(SOURCES / "launcher.c"), "-o", str(program / "ingisfs.exe")])
    return found


def _compile(folder: Path) -> None:
    """Compile what users may not write themselves, if this is the same Python; else they wait a little longer."""
    if sys.version_info[:2] != (3, 11):
        print(f"Not compiled, since this is Python {sys.version_info[0]}.{sys.version_info[1]}: it starts more slowly.")
        return
    # A process of its own that compiles one file after the other: what is written depends on what was compiled before.
    options = ["-q", "-s", str(folder), "--invalidation-mode", "unchecked-hash"]
    subprocess.run(
        [sys.executable, "-S", "-m", "compileall", *options, str(folder)],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=subprocess.DEVNULL,  # a library may have files for another Python
        check=False,
    )


def write_list(program: Path, path: Path) -> None:
    """Write what NSIS is to unpack: all files, sorted."""
    lines = []
    folder = None
    for each in sorted(each for each in program.rglob("*") if each.is_file()):
        relative = each.relative_to(program)
        if relative.parent != folder:
            folder = relative.parent
            where = "" if folder == Path() else "\\" + str(folder).replace("/", "\\")
            lines.append(f'SetOutPath "${{NEW}}{where}"')
        lines.append(f'File "{each}"')
    assert not any("$" in line.replace("${NEW}", "") for line in lines)
    path.write_text("\n".join(lines) + "\n", "utf-8-sig")


def build(
    output: Path,
    version: str | None = None,
    *,
    winfsp: Path | None = None,
    sign: str | None = None,
    quickly: bool = False,
) -> Path:
    """Build the installer in `output` and return it. `quickly` compresses nothing. Raises UnavailableError."""
    version = version or own_version()
    at = int(os.environ.get("SOURCE_DATE_EPOCH") or _time_of_commit())
    os.environ["SOURCE_DATE_EPOCH"] = str(at)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work, program = Path(folder), Path(folder) / "program"
        found = fill(program, version, at, work, winfsp)
        if sign is not None:
            _run([*shlex.split(sign), str(program / "ingisfs.exe")])
        for path in program.rglob("*"):
            os.utime(path, (at, at))
        write_list(program, work / "files.nsh")
        setup = output / f"ingisfs-{version}-setup.exe"
        defines = {
            "VERSION": version,
            "NUMBERS": numbers(version),
            "SIZE": str(sum(each.stat().st_size for each in program.rglob("*") if each.is_file()) // 1024),
            "FILES": str(work / "files.nsh"),
            "OUTPUT": str(setup.absolute()),
            **({"SIGN": sign} if sign is not None else {}),
        }
        compressor = ["-XSetCompress off"] if quickly else ["-XSetCompressor /SOLID lzma"]
        options = [f"-D{name}={value}" for name, value in defines.items()]
        _run(["makensis", "-V2", "-WX", "-INPUTCHARSET", "UTF8", *compressor, *options, str(SOURCES / "setup.nsi")])
        bill_file = output / f"ingisfs-{version}.cdx.json"
        bill_file.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        if winfsp is not None:
            shutil.copyfile(winfsp, output / winfsp.name)
    return setup


def numbers(version: str) -> str:
    """Return the four numbers that Windows' resources have for a version."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    assert found is not None, version
    return ".".join([*found[0].split("."), "0", "0", "0", "0"][:4])


def _time_of_commit() -> str:
    done = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "1764028800"


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(
            f"{command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )


def lacking() -> str | None:
    """Return what this machine lacks to build it, None if nothing."""
    for program, package in (("makensis", "nsis"), (GCC, "gcc-mingw-w64-x86-64")):
        if shutil.which(program) is None:
            return MISSING.format(program=program, package=package)
    return None


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description="Build the installer for Windows.")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="folder for setup.exe (dist/)")
    parser.add_argument("--version", help="instead of the one in ingisfs/__init__.py")
    parser.add_argument("--winfsp", type=Path, metavar="MSI", help="WinFsp's own installer, to lie beside it")
    parser.add_argument("--sign", metavar="COMMAND", help="signs one file, whose name is put behind it")
    parser.add_argument("--lock", action="store_true", help="write windows.lock anew, and build nothing")
    options = parser.parse_args()
    if options.winfsp is not None and not re.fullmatch(r"winfsp-.*\.msi", options.winfsp.name):
        stop(f"{options.winfsp} is not named winfsp-….msi, as the installer looks for it.")
    enter(["dev"], [], DEBIAN)
    try:
        if options.lock:
            lines = ["# What the installer for Windows contains; written by build_installer.py --lock.", *lock()]
            LOCK.write_text("\n".join(lines) + "\n", "utf-8")
            print(LOCK)
            return 0
        if told := lacking():
            stop(told)
        print(build(options.output, options.version, winfsp=options.winfsp, sign=options.sign))
    except UnavailableError as error:
        stop(f"The installer was not built: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
