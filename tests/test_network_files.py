"""A SQLite store on a network file system is refused before it can corrupt."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.errors import Misuse
from newsletter.store.database import Database
from newsletter.store.network_files import file_system, refuse_network_file

MOUNTS = """\
rootfs / ext4 rw,relatime 0 0
server:/export /srv/news nfs4 rw,vers=4.2 0 0
/dev/sdb1 /srv/news/local xfs rw 0 0
//server/share /srv/shared\\040folder cifs rw 0 0
tmpfs /srv/twice tmpfs rw 0 0
user@server: /srv/twice fuse.sshfs rw 0 0
server:/export /srv/again nfs rw 0 0
/dev/sdc1 /srv/again ext4 rw 0 0
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    file = tmp_path / "mounts"
    file.write_text(MOUNTS)
    return file


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("/srv/news/newsletter.db", "nfs4"),
        ("/srv/shared folder/deep/newsletter.db", "cifs"),
        ("/srv/twice/newsletter.db", "fuse.sshfs"),  # the later mount covers the earlier
    ],
)
def test_a_store_on_the_network_is_refused(mounts: Path, file: str, kind: str) -> None:
    with pytest.raises(Misuse) as refused:
        refuse_network_file(Path(file), mounts)
    assert file in refused.value.sentence
    assert f"({kind})" in refused.value.sentence
    assert "PostgreSQL" in refused.value.next_step


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("/var/newsletter.db", "ext4"),
        ("/srv/news/local/newsletter.db", "xfs"),  # a local disk inside the network's folder
        ("/srv/newspaper/newsletter.db", "ext4"),  # a longer name, not a folder inside
        ("/srv/again/newsletter.db", "ext4"),
    ],
)
def test_a_store_on_a_local_disk_is_taken(mounts: Path, file: str, kind: str) -> None:
    refuse_network_file(Path(file), mounts)
    assert file_system(Path(file), mounts) == kind


def test_a_link_to_the_network_is_followed(tmp_path: Path, mounts: Path) -> None:
    folder = tmp_path / "news"
    folder.symlink_to("/srv/news")
    with pytest.raises(Misuse):
        refuse_network_file(folder / "newsletter.db", mounts)


def test_where_mounts_cannot_be_read_nobody_is_refused(tmp_path: Path) -> None:
    refuse_network_file(Path("/srv/news/newsletter.db"), tmp_path / "nothing")


def test_the_door_to_the_store_asks(tmp_path: Path, mounts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With this machine's own mounts a local store opens; with ones that call its disk NFS it does not."""
    Database(f"sqlite:///{tmp_path}/newsletter.db").close()
    mounts.write_text(f"server:/export {tmp_path} nfs rw 0 0\n")
    monkeypatch.setattr(refuse_network_file, "__defaults__", (mounts,))
    monkeypatch.setattr(file_system, "__defaults__", (mounts,))
    with pytest.raises(Misuse, match="network file system"):
        Database(f"sqlite:///{tmp_path}/newsletter.db")
