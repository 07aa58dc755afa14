"""Small PDF files written by hand: pages of text in the base fonts, at given places, without a library."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence

import attrs

FONTS = {
    "roman": "Times-Roman",
    "bold": "Times-Bold",
    "italic": "Times-Italic",
    "mono": "Courier",
    "sans": "Helvetica",
    "math": "Symbol",
}
_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")


@attrs.frozen
class Show:
    """Text shown with its first letter at ``x``, ``y`` (points from the lower left corner), turned by a matrix."""

    x: float
    y: float
    text: str
    font: str = "roman"
    size: float = 10
    turn: tuple[float, float, float, float] = (1, 0, 0, 1)


def lines(
    text: Iterable[str], x: float, y: float, *, font: str = "roman", size: float = 10, step: float = 12
) -> list[Show]:
    """Return lines of text from ``y`` downwards."""
    return [Show(x, y - i * step, line, font, size) for i, line in enumerate(text) if line]


def pdf(
    pages: Sequence[Sequence[Show]],
    *,
    title: str = "",
    author: str = "",
    bookmarks: Sequence[tuple[str, int]] = (),
    unicode: dict[str, str] | None = None,
    packed: bool = False,
    picture: bool = False,
    size: tuple[int, int] = (612, 792),
) -> bytes:
    """Return a PDF file. ``bookmarks`` are titles with page numbers from 0, all of one level.

    ``unicode`` maps letters, as they are given in the text, to what the file says that they mean (ligatures,
    look-alikes); such text is set in the font ``coded``.
    """
    objects: list[bytes] = []

    def add(content: bytes) -> int:
        objects.append(content)
        return len(objects)

    catalog, tree = add(b""), add(b"")
    fonts = {
        name: add(b"<</Type/Font/Subtype/Type1/BaseFont/%s%s>>" % (base.encode(), _encoding(name)))
        for name, base in FONTS.items()
    }
    fonts["coded"] = _coded(add, unicode or {})
    resources = b"<</Font<<%s>>%s>>" % (
        b"".join(b"/%s %d 0 R" % (name.encode(), number) for name, number in fonts.items()),
        b"/XObject<</P %d 0 R>>"
        % add(_stream(b"\0", b"/Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8"))
        if picture
        else b"",
    )
    kids: list[int] = []
    for page in pages:
        content = b"\n".join(map(_show, page)) + (b"\nq 500 0 0 700 50 50 cm /P Do Q" if picture else b"")
        stream = _stream(zlib.compress(content), b"/Filter/FlateDecode") if packed else _stream(content)
        kids.append(
            add(
                b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 %d %d]/Contents %d 0 R/Resources %s>>"
                % (tree, *size, add(stream), resources)
            )
        )
    objects[tree - 1] = b"<</Type/Pages/Kids[%s]/Count %d>>" % (
        b" ".join(b"%d 0 R" % kid for kid in kids),
        len(kids),
    )
    outline = _outline(add, bookmarks, kids)
    objects[catalog - 1] = b"<</Type/Catalog/Pages %d 0 R%s>>" % (
        tree,
        b"/Outlines %d 0 R" % outline if outline else b"",
    )
    information = b"".join(
        b"/%s %s" % (key, _text(value)) for key, value in ((b"Title", title), (b"Author", author)) if value
    )
    return assemble(objects, b"/Info %d 0 R" % add(b"<<%s>>" % information))


def assemble(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """Return a file of objects numbered from 1, the first being the catalogue."""
    parts, places, size = [b"%PDF-1.4\n"], [], 9
    for number, content in enumerate(objects, 1):
        places.append(size)
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, content))
        size += len(parts[-1])
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    parts += [b"%010d 00000 n \n" % place for place in places]
    parts.append(b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, trailer, size))
    return b"".join(parts)


def locked(text: str, password: bytes) -> bytes:
    """Return a one-page file encrypted with RC4 and 40 bits (standard handler, revision 2) for a user's password."""
    identity, permissions = b"0123456789abcdef", -44
    owner = _rc4(hashlib.md5(_padded(password)).digest()[:5], _padded(password))
    key = hashlib.md5(_padded(password) + owner + permissions.to_bytes(4, "little", signed=True) + identity).digest()[
        :5
    ]
    content = _show(Show(72, 700, text))
    sealed = _rc4(hashlib.md5(key + (4).to_bytes(3, "little") + b"\0\0").digest()[:10], content)
    return assemble(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</roman 5 0 R>>>>>>",
            _stream(sealed),
            b"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>",
            b"<</Filter/Standard/V 1/R 2/O<%s>/U<%s>/P %d>>"
            % (owner.hex().encode(), _rc4(key, _PADDING).hex().encode(), permissions),
        ],
        b"/Encrypt 6 0 R/ID[<%s><%s>]" % ((identity.hex().encode(),) * 2),
    )


def _encoding(name: str) -> bytes:
    return b"" if name == "math" else b"/Encoding/WinAnsiEncoding"


def _stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(content), entries, content)


def _text(text: str) -> bytes:
    return b"<feff%s>" % text.encode("utf-16-be").hex().encode()


def _show(show: Show) -> bytes:
    coded = show.text.encode("utf-16-be" if show.font == "coded" else "cp1252").hex().encode()
    matrix = b" ".join(b"%.3f" % value for value in (*show.turn, show.x, show.y))
    return b"BT /%s %.2f Tf %s Tm <%s> Tj ET" % (show.font.encode(), show.size, matrix, coded)


def _coded(add: object, unicode: dict[str, str]) -> int:
    """Add a font of two-byte codes: each means itself, but for what ``unicode`` says."""
    assert callable(add)
    meanings = [(code, chr(code)) for block in ((0x20, 0x7F), (0x3001, 0x3012)) for code in range(*block)]
    meanings += [(ord(letter), meaning) for letter, meaning in unicode.items()]
    rows = b"\n".join(b"<%04x> <%s>" % (code, text.encode("utf-16-be").hex().encode()) for code, text in meanings)
    cmap = add(
        _stream(
            b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
            b"1 begincodespacerange <0000> <ffff> endcodespacerange\n"
            b"%d beginbfchar\n%s\nendbfchar endcmap end end" % (len(meanings), rows)
        )
    )
    descendant = add(
        b"<</Type/Font/Subtype/CIDFontType2/BaseFont/Song/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)"
        b"/Supplement 0>>/DW 1000/W[32 126 500]/CIDToGIDMap/Identity>>"
    )
    return int(
        add(
            b"<</Type/Font/Subtype/Type0/BaseFont/Song/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>"
            % (descendant, cmap)
        )
    )


def _outline(add: object, bookmarks: Sequence[tuple[str, int]], kids: Sequence[int]) -> int:
    assert callable(add)
    if not bookmarks:
        return 0
    root = int(add(b"<</Type/Outlines>>"))
    for i, (title, page) in enumerate(bookmarks):
        following = b"/Next %d 0 R" % (root + i + 2) if i + 1 < len(bookmarks) else b""
        add(b"<</Title %s/Parent %d 0 R/Dest[%d 0 R/Fit]%s>>" % (_text(title), root, kids[page], following))
    # The root was written before its children had numbers: a second one, with them, takes its place.
    return int(add(b"<</Type/Outlines/First %d 0 R/Last %d 0 R>>" % (root + 1, root + len(bookmarks))))


def _padded(password: bytes) -> bytes:
    return (password + _PADDING)[:32]


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    out = bytearray()
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)
