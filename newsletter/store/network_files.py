"""A SQLite file on a network file system corrupts sooner or later: its locks do not hold there."""

from __future__ import annotations

from pathlib import Path

from newsletter.errors import Misuse

NETWORK_TYPES = frozenset(
    {
        "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "glusterfs",
        "fuse.glusterfs", "fuse.sshfs", "fuse.s3fs", "fuse.ceph", "lustre", "beegfs", "gpfs", "ocfs2",
        "gfs", "gfs2", "davfs", "fuse.davfs",
    }
)  # fmt: skip
MOUNTS = Path("/proc/self/mounts")


def refuse_network_file(file: Path, mounts: Path = MOUNTS) -> None:
    """Raise Misuse when `file` lies on a network file system. Silent where mounts cannot be read."""
    if (kind := file_system(file, mounts)) in NETWORK_TYPES:
        raise Misuse(
            f"The SQLite store {file} lies on a network file system ({kind}), where its locks do not hold.",
            next_step='move it to a local disk, or use PostgreSQL: [database] url = "postgresql://…"',
        )


def file_system(file: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system that holds `file`, or empty when nobody can tell."""
    path = file.resolve()
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return ""
    found = ("", "")
    for line in lines:
        _, mount, kind, *_ = line.split()
        point = mount.replace("\\040", " ")
        if path.is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, kind)
    return found[1]
