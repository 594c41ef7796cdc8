"""An archive that is not exactly what was written is refused."""

import gzip
import io
import json
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.backups.archive import describe, document_member, read_manifest, unpack, write_archive
from tasks.backups.manifest import AuditEnd, Contents, Manifest
from tasks.backups.refusals import ArchiveRefusedError
from tests.tasks.backups.conftest import AT

DATABASE = b"a database" * 5000
DOCUMENT = b"%PDF-1.7"
MEMBER = document_member(sha256(DOCUMENT).hexdigest())


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of one database and one document."""
    folder = tmp_path_factory.mktemp("archive")
    sources = {"database.sqlite": folder / "database", MEMBER: folder / "document"}
    sources["database.sqlite"].write_bytes(DATABASE)
    sources[MEMBER].write_bytes(DOCUMENT)
    manifest = Manifest(
        created_at=AT,
        database="sqlite",
        server_version=3,
        contents=Contents(
            revision="0001",
            programme="huangshi-2024",
            programme_name="试点",
            is_demonstration=True,
            tables={"party": 1},
            audit=AuditEnd(entries=0, heads="0" * 64, sealed_on=None, seal=""),
        ),
        files={name: describe(source) for name, source in sources.items()},
    )
    write_archive(folder / "good.tar.gz", manifest, sources)
    return folder / "good.tar.gz"


def unpacked(file: Path, into: Path) -> dict[str, bytes]:
    unpack(file, lambda name: into / name)
    return {
        str(path.relative_to(into)): path.read_bytes() for path in into.rglob("*") if path.is_file()
    }


def test_what_goes_in_comes_out(good: Path, tmp_path: Path) -> None:
    assert unpacked(good, tmp_path / "out") == {"database.sqlite": DATABASE, MEMBER: DOCUMENT}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_altered_byte_and_no_missing_end_goes_unnoticed(
    good: Path, tmp_path: Path, data: st.DataObject
) -> None:
    whole = good.read_bytes()
    at = data.draw(st.integers(10, len(whole) - 1))  # the header's ten bytes say nothing of ours
    if data.draw(st.booleans()):
        broken = whole[:at]
    else:
        broken = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    file = tmp_path / "broken.tar.gz"
    file.write_bytes(broken)

    try:
        unpack(file, lambda name: None)
    except ArchiveRefusedError:
        return
    # Some bytes of a compressed file may be others and still say the same.
    assert gzip.decompress(broken) == gzip.decompress(whole)


def remade(good: Path, to: Path, change) -> Path:  # type: ignore[no-untyped-def]
    """Write the archive anew, its members and manifest as `change` returns them."""
    with tarfile.open(good) as tar:
        members = [(member, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]
    manifest = json.loads(members[0][1])
    members = change(manifest, members[1:])
    head = tarfile.TarInfo("manifest.json")
    with gzip.open(to, "wb") as packed, tarfile.open(mode="w|", fileobj=packed) as tar:
        for member, content in [(head, json.dumps(manifest).encode()), *members]:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return to


def named(name: str, content: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), content


@pytest.mark.parametrize(
    "name",
    [
        *("../evil", "/etc/evil", "documents/../../evil", "documents/aa/" + "b" * 64, "pilot.db"),
        *(
            "policy/../../evil.toml",
            "policy/x/../evil.toml",
            "policy/x/.evil.toml",
            "policy/x.toml",
        ),
        *("templates/../evil.txt", "templates/x/y/evil.txt", "templates/x/evil.py"),
    ],
)
def test_no_member_leads_out_of_its_folder(good: Path, tmp_path: Path, name: str) -> None:
    listed = {"sha256": sha256(b"x").hexdigest(), "size": 1}

    def unlisted(manifest, members):  # type: ignore[no-untyped-def]
        return [*members, named(name)]

    def in_the_list(manifest, members):  # type: ignore[no-untyped-def]
        manifest["files"][name] = listed
        return [*members, named(name)]

    for change, why in ((unlisted, "清单之外的内容"), (in_the_list, "不该有的文件名")):
        file = remade(good, tmp_path / "bad.tar.gz", change)
        with pytest.raises(ArchiveRefusedError, match=why):
            unpacked(file, tmp_path / "in" / "out")
    assert list(tmp_path.rglob("*evil*")) == []


def test_a_link_is_no_file(good: Path, tmp_path: Path) -> None:
    def linked(manifest, members):  # type: ignore[no-untyped-def]
        link = tarfile.TarInfo(MEMBER)
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        return [members[0], (link, b"")]

    with pytest.raises(ArchiveRefusedError, match="清单之外"):
        unpacked(remade(good, tmp_path / "x", linked), tmp_path / "out")


def test_a_file_too_few_twice_or_other_than_listed_is_refused(good: Path, tmp_path: Path) -> None:
    changes = {
        "缺少 1 个文件": lambda manifest, members: members[:1],
        "清单之外": lambda manifest, members: [*members, members[0]],
        "校验值不符": lambda manifest, members: [members[0], named(MEMBER, b"other")],
    }
    for why, change in changes.items():
        with pytest.raises(ArchiveRefusedError, match=why):
            unpacked(remade(good, tmp_path / "x", change), tmp_path / "out")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no archive")
    with gzip.open(tmp_path / "packed", "wb") as packed:
        packed.write(b"no archive either" * 100)
    with tarfile.open(tmp_path / "other", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("something"))
    (tmp_path / "empty").touch()

    for name in ("none", "text", "packed", "other", "empty"):
        with pytest.raises(ArchiveRefusedError):
            read_manifest(tmp_path / name)
