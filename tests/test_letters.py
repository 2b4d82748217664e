"""Drive letters, and the disks on which an outbox may lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest

from ingisfs import config, letters, mounting
from ingisfs.config import ConfigError, Drive
from ingisfs.drive import winfsp
from ingisfs.drive.host import host_of
from ingisfs.windows import CD_ROM, FIXED, RAM_DISK, REMOTE, REMOVABLE

HOME = r"C:\Users\Anna"
OUTBOX = PureWindowsPath(r"C:\Users\Anna\AppData\Local\ingisfs\king")


@pytest.mark.parametrize("text", ["x:", "X:", "X:\\", "x:/", " X: "])
def test_a_letter_is_one_however_it_is_written(text: str) -> None:
    assert letters.letter(text) == "X:"
    assert letters.known(text) == "X:"


@pytest.mark.parametrize("text", ["", "X", "XY:", "1:", "X:\\folder", "é:", "*", "/mnt/x", "X::"])
def test_what_is_no_letter_is_refused(text: str) -> None:
    assert letters.letter(text) is None
    with pytest.raises(ConfigError, match=r"letter\.bad"):
        letters.known(text)


def test_a_letter_that_is_taken_is_refused_and_never_another_one_chosen() -> None:
    assert letters.choose("x:", {"C:", "Y:"}) == "X:"
    with pytest.raises(ConfigError) as refused:
        letters.choose("x:\\", {"C:", "X:"})
    assert (refused.value.sentence, refused.value.values) == ("letter.taken", {"letter": "X:"})


@pytest.mark.parametrize(
    ("taken", "chosen"), [(set(), "Z:"), ({"C:", "Z:"}, "Y:"), ({f"{c}:" for c in "EFGHIJKLMNOPQRSTUVWXYZ"}, "D:")]
)
def test_a_star_is_the_last_letter_that_is_free(taken: set[str], chosen: str) -> None:
    assert letters.choose("*", taken) == chosen
    assert letters.choose(" * ", taken) == chosen


def test_a_star_is_never_a_letter_of_windows_or_of_floppy_disks() -> None:
    with pytest.raises(ConfigError, match=r"letter\.none-free"):
        letters.choose("*", {f"{c}:" for c in "DEFGHIJKLMNOPQRSTUVWXYZ"})


# ---- where an outbox may be on Windows ---------------------------------------------------------------------------


@pytest.mark.parametrize("file_system", ["NTFS", "ReFS", "BTRFS", ""])
def test_an_outbox_may_be_on_a_fixed_disk(file_system: str) -> None:
    letters.check_windows_state(OUTBOX, HOME, FIXED, file_system)


@pytest.mark.parametrize(
    ("kind", "file_system", "told"),
    [
        (REMOTE, "NTFS", "network"),
        (REMOVABLE, "NTFS", "removable"),
        (CD_ROM, "UDF", "removable"),
        (RAM_DISK, "NTFS", "memory"),
        (0, "", "missing"),
        (1, "", "missing"),
        (FIXED, "FAT32", "FAT32"),
        (FIXED, "exFAT", "EXFAT"),
        (FIXED, "fat", "FAT"),
    ],
)
def test_an_outbox_is_refused_on_a_disk_that_cannot_keep_it(kind: int, file_system: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        letters.check_windows_state(OUTBOX, HOME, kind, file_system)
    assert (refused.value.sentence, refused.value.values) == ("place.bad-disk", {"folder": OUTBOX, "kind": told})


@pytest.mark.parametrize("name", ["TEMP", "Temp", "TEMP.PC1", "temp.DOMAIN.000"])
def test_an_outbox_in_a_temporary_profile_is_refused_for_windows_deletes_it(name: str) -> None:
    home = PureWindowsPath(r"C:\Users") / name
    with pytest.raises(ConfigError, match=r"place\.temporary-profile"):
        letters.check_windows_state(home / "AppData" / "Local" / "ingisfs", str(home), FIXED, "NTFS")
    # Elsewhere it is safe, whoever is logged on.
    letters.check_windows_state(PureWindowsPath(r"C:\ProgramData\ingisfs\king"), str(home), FIXED, "NTFS")


@pytest.mark.parametrize("home", [r"C:\Users\Tempel", r"C:\Users\temperature", ""])
def test_a_profile_that_only_begins_like_a_temporary_one_is_none(home: str) -> None:
    folder = PureWindowsPath(home or HOME) / "ingisfs"
    letters.check_windows_state(folder, home, FIXED, "NTFS")


# ---- where an outbox may be on Linux -----------------------------------------------------------------------------


def mountinfo(*mounts: tuple[str, str]) -> str:
    """Return a text as /proc/self/mountinfo has it, for pairs of place and kind. See proc_pid_mountinfo(5)."""
    lines = [
        f"{36 + at} 35 98:{at} / {place} rw,noatime master:1 shared:7 - {kind} /dev/x rw,errors=continue"
        for at, (place, kind) in enumerate(mounts)
    ]
    return "\n".join(lines) + "\n"


@pytest.fixture
def disk(tmp_path: Path) -> str:
    """A real folder, written as mountinfo writes it."""
    return os.path.realpath(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="its rules for paths are Linux's")
class TestLinux:
    @pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "fuse.sshfs", "vfat", "exfat", "9p", "fuse.ingisfs"])
    def test_an_outbox_is_refused_on_a_disk_that_cannot_keep_it(self, disk: str, kind: str) -> None:
        with pytest.raises(ConfigError) as refused:
            letters.check_linux_state(Path(disk) / "king", mountinfo(("/", "ext4"), (disk, kind)))
        assert refused.value.values == {"folder": Path(disk) / "king", "kind": kind}

    @pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "fuseblk", "what.is.this"])
    def test_an_outbox_may_be_on_any_other(self, disk: str, kind: str) -> None:
        letters.check_linux_state(Path(disk), mountinfo(("/", "nfs"), (disk, kind)))

    def test_the_disk_is_that_of_the_nearest_mount(self, disk: str) -> None:
        deep = f"{disk}/a/b"
        text = mountinfo(("/", "ext4"), (deep, "nfs"), (f"{disk}/a", "xfs"))
        assert letters.disk_of(Path(deep) / "c", text) == "nfs"
        assert letters.disk_of(Path(disk) / "a" / "bb", text) == "xfs"
        assert letters.disk_of(Path(disk), text) == "ext4"

    def test_a_later_mount_lies_over_an_earlier_one(self, disk: str) -> None:
        assert letters.disk_of(Path(disk), mountinfo((disk, "nfs"), (disk, "ext4"))) == "ext4"

    def test_a_place_with_spaces_is_read_as_it_is(self, disk: str) -> None:
        place = f"{disk}/my disk"
        Path(place).mkdir()
        text = mountinfo(("/", "ext4"), (place.replace(" ", "\\040"), "cifs"))
        assert letters.disk_of(Path(place) / "x", text) == "cifs"
        assert letters.mountpoints(text) == {"/", place}

    def test_a_link_leads_to_the_disk_it_points_to(self, disk: str) -> None:
        (Path(disk) / "far").mkdir()
        (Path(disk) / "near").symlink_to(Path(disk) / "far")
        assert letters.disk_of(Path(disk) / "near", mountinfo(("/", "ext4"), (f"{disk}/far", "nfs"))) == "nfs"

    def test_lines_that_say_nothing_are_passed_over(self, disk: str) -> None:
        assert letters.disk_of(Path(disk), "\nnonsense\n1 2 3:4 / /x rw\n") == ""
        letters.check_linux_state(Path(disk), "")

    def test_this_machine_s_own_mounts_are_read(self, disk: str) -> None:
        text = Path("/proc/self/mountinfo").read_text()
        assert letters.disk_of(Path(disk), text) != ""
        assert {"/", "/proc"} <= letters.mountpoints(text)

    def test_drives_are_known_with_who_mounted_them_and_not_below_what_lies_over_them(self) -> None:
        line = "{} 22 0:{} / {} rw,nosuid - {} {} rw,user_id={},group_id=0,default_permissions"
        text = "\n".join(
            line.format(at, at, *told)
            for at, told in enumerate(
                [
                    ("/home/anna/X", "fuse.ingisfs", "ingisfs-king", 1001),
                    (r"/home/bert/mijn\040X", "fuse.ingisfs", "ingisfs-king", 1002),
                    ("/mnt/ssh", "fuse.sshfs", "host:/", 1001),
                    ("/mnt/under", "fuse.ingisfs", "ingisfs-king", 1001),
                    ("/mnt/under", "tmpfs", "tmpfs", 0),
                ]
            )
        )
        assert letters.drives(text) == {"/home/anna/X": 1001, "/home/bert/mijn X": 1002}
        assert letters.drives("\nnonsense\n") == {}


# ---- what mounting does with them --------------------------------------------------------------------------------


class Machine:
    """Stands for Windows: a machine with these letters."""

    def __init__(self, *taken: str, kind: int = FIXED, file_system: str = "NTFS", elevated: bool = False) -> None:
        self.taken, self.kind, self.system, self.elevated = frozenset(taken), kind, file_system, elevated

    def letters(self) -> frozenset[str]:
        return self.taken

    def kind_of_disk(self, path: object) -> int:
        return self.kind

    def file_system(self, path: object) -> str:
        return self.system

    def is_elevated(self) -> bool:
        return self.elevated


@pytest.fixture
def as_windows(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(sys, "platform", "win32")
    return monkeypatch


def test_a_letter_is_taken_as_it_was_written_and_a_star_is_looked_up(as_windows: pytest.MonkeyPatch) -> None:
    as_windows.setattr(mounting, "Windows", lambda: Machine("C:", "X:", "Z:"))
    assert mounting.place("x:\\") == "X:"  # taken: that is for `check` to say, with the drive that has it
    assert mounting.place("*") == "Y:"
    with pytest.raises(ConfigError, match=r"letter\.bad"):
        mounting.place("C:\\x")


@pytest.mark.skipif(sys.platform == "win32", reason="the folder of its state is one of Linux")
def test_a_mount_on_windows_is_refused_where_it_cannot_be(as_windows: pytest.MonkeyPatch, tmp_path: Path) -> None:
    drive = Drive(server="https://x/", user="u", mountpoint="X:", state=str(tmp_path), password_file="x")
    for name, value in {"XDG_STATE_HOME": str(tmp_path), "USERPROFILE": HOME, "INGISFS_PASSWORD": "x"}.items():
        as_windows.setenv(name, value)
    for machine, sentence in [
        (Machine("C:", "X:"), r"letter\.taken"),
        (Machine("C:", "X:", file_system="INGISFS"), r"where\.others"),
        (Machine("C:", kind=REMOTE), r"place\.bad-disk"),
        (Machine("C:", file_system="FAT32"), r"place\.bad-disk"),
    ]:
        as_windows.setattr(mounting, "Windows", lambda machine=machine: machine)
        as_windows.setattr("ingisfs.whereabouts.Windows", lambda machine=machine: machine)
        with pytest.raises(ConfigError, match=sentence):
            mounting.check(drive)


def test_a_user_who_mounts_as_an_administrator_is_warned(as_windows: pytest.MonkeyPatch) -> None:
    as_windows.setattr(mounting, "Windows", lambda: Machine(elevated=True))
    as_windows.setattr(winfsp, "session", lambda: "1")
    as_windows.setattr(config, "machine_folder", lambda: Path("/machine").absolute())
    of_machine = Drive(state=str(Path("/machine/king").absolute()))
    assert mounting.warnings(Drive()) == ["mount.elevated"]
    assert mounting.warnings(of_machine) == ["mount.elevated-machine"]
    as_windows.setattr(winfsp, "session", lambda: "0")  # the system, at boot
    assert mounting.warnings(of_machine) == []
    as_windows.setattr(mounting, "Windows", lambda: Machine(elevated=False))
    assert mounting.warnings(Drive()) == []


@pytest.mark.parametrize("drive_type", ["network", "disk"])
def test_the_type_of_the_drive_reaches_windows(as_windows: pytest.MonkeyPatch, drive_type: str) -> None:
    asked: list[dict[str, Any]] = []
    as_windows.setattr(winfsp, "WinFspHost", lambda *_, **options: asked.append(options))
    as_windows.setattr(winfsp, "session", lambda: "7")
    host_of(Drive(drive_type=drive_type), None, lambda: None)  # type: ignore[arg-type]
    assert asked == [{"session": "7", "network": drive_type == "network"}]
