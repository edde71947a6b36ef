"""Files of orders: what is taken by its content, where it lies, and that it is what was attached."""

import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from workbench.exceptions import MaintenanceError
from workbench.maintenance.desk import Maintenance
from workbench.maintenance.options import OrderOptions
from workbench.maintenance.orders.attachments import AttachmentStore

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def photo(form="JPEG", size=(900, 600), **options):
    """Left half black, right half white."""
    picture = Image.new("RGB", size, "white")
    picture.paste("black", (0, 0, size[0] // 2, size[1]))
    made = io.BytesIO()
    picture.save(made, form, **options)
    return made.getvalue()


@pytest.fixture
def store(tmp_path):
    return AttachmentStore(tmp_path / "attachments", 2**20)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (photo(), "image/jpeg"),
        (photo("PNG"), "image/png"),
        (photo("WEBP"), "image/webp"),
        (PDF, "application/pdf"),
    ],
)
def test_a_file_is_kept_under_the_hash_of_its_content(store, content, kind):
    entry = store.add(content, "C:\\pictures\\seal.exe", "Seal")
    digest = hashlib.sha256(content).hexdigest()
    assert (entry["file"], entry["type"], entry["bytes"]) == (digest, kind, len(content))
    assert (entry["name"], entry["title"]) == ("seal.exe", "Seal")
    assert store.read(digest) == content
    assert store.add(content, "again.jpg")["file"] == digest
    if kind != "application/pdf":
        with Image.open(io.BytesIO(store.thumbnail(digest))) as small:
            assert (small.format, small.size) == ("JPEG", (480, 320))
            dark, bright = small.getpixel((20, 100))[0], small.getpixel((460, 100))[0]
            assert dark < 20 and bright > 235
    else:
        with pytest.raises(MaintenanceError, match="cannot be read"):
            store.thumbnail(digest)


def test_a_photo_that_was_taken_upright_is_shown_upright(store):
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by 90 degrees clockwise
    digest = store.add(photo(exif=turned), "x.jpg")["file"]
    with Image.open(io.BytesIO(store.thumbnail(digest))) as small:
        assert small.size == (320, 480)
        assert small.getpixel((100, 20))[0] < 20  # left became top


def bomb():
    """A PNG of a few bytes that claims 60,000 x 60,000 pixels."""
    content = bytearray(photo("PNG", (10, 10)))
    content[16:24] = (60_000).to_bytes(4, "big") * 2
    import zlib

    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"<html><script>alert(1)</script>", "neither a photo"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "neither a photo"),
        (b"MZ\x90\x00", "neither a photo"),
        (b"\xff\xd8\xff" + b"x" * 50, "is a damaged photo"),
        (photo()[:2000], "is a damaged photo"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "is a damaged photo"),
        (PDF[:20], "PDF without its end"),
        (bomb(), r"60,000 x 60,000 pixels|is a damaged photo"),
        (b"%PDF" + b"-" * 2**20, r"has 1\.0 MB; files of at most 1 MB"),
    ],
)
def test_what_is_no_photo_and_no_document_is_refused_and_nothing_is_stored(store, tmp_path, content, words):
    with pytest.raises(MaintenanceError, match=words):
        store.add(content, "photo.jpg")
    assert list(tmp_path.rglob("*.*")) == []


@pytest.mark.parametrize("digest", ["", "..", "../../etc/passwd", "0" * 63, "0" * 64 + ".thumbnail", "G" * 64])
def test_only_hashes_name_files(store, digest):
    with pytest.raises(MaintenanceError, match="is not the hash of a file"):
        store.read(digest)


def test_a_file_that_was_changed_is_not_shown(store, tmp_path):
    digest = store.add(PDF, "x.pdf")["file"]
    (path,) = (one for one in tmp_path.rglob(digest))
    path.write_bytes(PDF + b"more")
    with pytest.raises(MaintenanceError, match="is not what was attached"):
        store.read(digest)


def test_an_order_lists_its_files_and_the_log_holds_their_hashes(url, clock, tmp_path):
    with Maintenance(url, clock, files=tmp_path, orders=OrderOptions(attachment_mb=1)) as desk:
        desk.orders.new("Ann", asset="SMAP", checklist=[])
        desk.orders.attach(1, "reports/P-1.html", "Ann", "Report")
        order = desk.orders.attach_file(1, "seal.jpg", photo(), "Ann")
        assert [one["title"] for one in order.attachments] == ["Report", "seal.jpg"]
        assert order.attachments[1]["file"] in desk.orders.history(1)["details"].iloc[-1]
        with pytest.raises(MaintenanceError, match=r"seal\.jpg is attached to WO-1 already"):
            desk.orders.attach_file(1, "seal.jpg", photo(), "Ann")
        with pytest.raises(MaintenanceError, match="There is no work order 7"):
            desk.orders.attach_file(7, "other.pdf", PDF, "Ann")
        assert not list(tmp_path.rglob(hashlib.sha256(PDF).hexdigest()))
        assert desk.verify_log().ok


def test_what_is_no_file_or_too_large_is_not_read(store, tmp_path, monkeypatch):
    (tmp_path / "seal.pdf").write_bytes(PDF)
    assert store.load(tmp_path / "seal.pdf") == PDF
    (tmp_path / "large.pdf").write_bytes(PDF + bytes(2**20))

    def read_bytes(path):
        raise AssertionError(f"{path} is read")

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    for path, words in (
        (tmp_path, "is not a file"),
        (Path("/dev/zero"), "is not a file"),
        (tmp_path / "none.pdf", "does not exist"),
        (tmp_path / "large.pdf", "large.pdf has 1.0 MB; files of at most 1 MB are taken"),
    ):
        with pytest.raises(MaintenanceError, match=words):
            store.load(path)
