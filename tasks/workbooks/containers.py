"""Whether a file from outside may be opened as a workbook at all: looked at before any parsing.

A workbook is a zip of XML parts. Everything here is decided from the zip's directory and one
bounded pass over the bytes, so that what openpyxl is given later can neither grow without end nor
carry anything but cells.
"""

import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile, ZipInfo

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from models.rules.system_errors import system_reason
from tasks.workbooks.refusals import WorkbookRefusedError

LARGEST_FILE = 50 * 1024 * 1024
#: 50,000 rows of 20 columns are 90 MB of XML as we write them, 350 MB as LibreOffice does.
LARGEST_CONTENT = 400 * 1024 * 1024
#: Texts of a workbook are held in memory all at once, each with some overhead of its own.
MOST_TEXTS = 2_000_000
#: Text in tables shrinks to a tenth or a thirtieth; only what is made to burst goes beyond this.
LARGEST_RATIO = 200
#: Below this size any ratio is harmless: an empty sheet may well shrink to a hundredth.
RATIO_MATTERS_FROM = 10 * 1024 * 1024
MOST_PARTS = 1000
_LARGEST_RELATIONS = 5 * 1024 * 1024
_CHUNK = 1024 * 1024

_OLE = bytes.fromhex("D0CF11E0A1B11AE1")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_SAVE_AS = "请在 Excel 或 WPS 中打开，另存为“Excel 工作簿（*.xlsx）”后再导入"

#: Endings of files that people take for a workbook, and what they are.
_OTHER_ENDINGS: Mapping[str, str] = MappingProxyType(
    {
        ".xls": "是旧版 Excel 格式（.xls）",
        ".et": "是 WPS 表格格式（.et）",
        ".ods": "是 OpenDocument 表格（.ods）",
        ".xlsb": "是二进制工作簿（.xlsb）",
        ".xltx": "是模板（.xltx）",
    }
)
_WITH_MACROS = frozenset({".xlsm", ".xltm", ".xlam"})

#: Parts that a table of plain cells has no need of -> what they are.
_FORBIDDEN_PARTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"vbaproject|vbadata|/macrosheets/|/dialogsheets/", "含有宏"),
        (r"xl/externallinks/", "含有指向其他文件的链接（或 DDE）"),
        (r"xl/embeddings/|xl/activex/|oleobject", "含有嵌入的对象或控件"),
        (r"xl/connections\.xml|xl/querytables/|xl/model/", "含有外部数据连接"),
    )
)
_MACRO_TYPE = re.compile(rb"macroenabled|vbaproject|\.binary\.main", re.IGNORECASE)
_STRICT = b"http://purl.oclc.org/ooxml/"
_DECLARED_ENCODING = re.compile(rb"""^<\?xml[^>]*\sencoding\s*=\s*["']([^"']*)["']""")


def require_safe(path: Path, stream: IO[bytes]) -> None:
    """Raise `WorkbookRefusedError` unless `stream` holds a plain workbook of bearable size.

    The stream is left at its beginning.
    """
    _require_ending(path)
    head = stream.read(4096)
    stream.seek(0)
    if not head:
        raise WorkbookRefusedError(path, "文件是空的，请重新保存或重新下载")
    if head.startswith(_OLE):
        raise WorkbookRefusedError(path, _inside_ole(stream))
    if not head.startswith(b"PK"):
        raise WorkbookRefusedError(path, _other_content(head))
    try:
        with ZipFile(stream) as archive:
            _require_plain_parts(path, archive)
    except (BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
        raise WorkbookRefusedError(
            path, "文件不完整或已损坏，请重新下载或在 Excel 中打开后重新保存"
        ) from error
    stream.seek(0)


def _require_ending(path: Path) -> None:
    ending = path.suffix.lower()
    if ending == ".xlsx":
        return
    if ending in _WITH_MACROS:
        raise WorkbookRefusedError(path, f"可能含有宏（{ending}）；{_SAVE_AS}")
    if ending in (".csv", ".txt", ".tsv"):
        try:
            with path.open("rb") as stream:
                raise WorkbookRefusedError(path, _other_content(stream.read(4096)))
        except OSError as error:
            raise WorkbookRefusedError(path, f"无法读取（{system_reason(error)}）") from None
    what = _OTHER_ENDINGS.get(ending, f"扩展名是“{ending}”，不是 .xlsx")
    raise WorkbookRefusedError(path, f"{what}；{_SAVE_AS}")


def _inside_ole(stream: IO[bytes]) -> str:
    """Return what an OLE container is: Excel puts what has a password into one, too."""
    content = stream.read()
    if _ENCRYPTED in content:
        return "设有打开密码；请在 Excel 中取消密码（文件 → 信息 → 保护工作簿）后再导入"
    return f"内容是旧版 Excel 格式（.xls），只是扩展名写成了 .xlsx；{_SAVE_AS}"


def _other_content(head: bytes) -> str:
    """Return what a file is that is no zip; of text also how it is encoded."""
    encoding = _encoding_of(head)
    if encoding is None:
        return f"内容不是 Excel 工作簿；{_SAVE_AS}"
    # CSV has one sheet, no kinds of cell, and Excel itself spoils codes of 18 digits when it opens
    # one: taking it would mean guessing. The person can do in a minute what we could only guess.
    return (
        f"是文本（CSV，{encoding[0]}），不是 Excel 工作簿；请在 Excel 中用“数据 → 自文本/CSV”导入"
        f"（文件原始格式选 {encoding[1]}，信用代码、电话等列的类型选“文本”），再另存为 .xlsx"
    )


def _encoding_of(head: bytes) -> tuple[str, str] | None:
    """Return the encoding of a text and what Excel's import calls it; None where it is none."""
    if b"\x00" in head:
        return None
    # The last letter may have been cut in the middle.
    for encoding, names in (
        ("utf-8", ("UTF-8 编码", "65001：Unicode (UTF-8)")),
        ("gb18030", ("GBK 编码", "936：简体中文(GB2312)")),
    ):
        for cut in range(4):
            try:
                head[: len(head) - cut].decode(encoding)
            except UnicodeDecodeError:
                continue
            return names
    return None


def _require_plain_parts(path: Path, archive: ZipFile) -> None:
    parts = archive.infolist()
    _require_bearable(path, parts)
    names = [part.filename for part in parts]
    if len({name.lower() for name in names}) < len(names):
        raise WorkbookRefusedError(path, f"压缩包内有重名的部分，不是正常保存的文件；{_SAVE_AS}")
    if "xl/workbook.xml" not in names or "[Content_Types].xml" not in names:
        raise WorkbookRefusedError(path, f"内容不是 Excel 工作簿；{_SAVE_AS}")
    for pattern, words in _FORBIDDEN_PARTS:
        if any(pattern.search(name) for name in names):
            raise WorkbookRefusedError(path, f"{words}；请删去后另存为普通工作簿（*.xlsx）")
    for part in parts:
        _require_plain(path, archive, part)
    if _MACRO_TYPE.search(archive.read("[Content_Types].xml")):
        raise WorkbookRefusedError(
            path, f"含有宏或是二进制工作簿，只是扩展名写成了 .xlsx；{_SAVE_AS}"
        )
    if _STRICT in archive.read("xl/workbook.xml"):
        raise WorkbookRefusedError(
            path, "是“Strict Open XML”格式；请另存为普通的“Excel 工作簿（*.xlsx）”"
        )


def _require_bearable(path: Path, parts: list[ZipInfo]) -> None:
    """Judge by what the directory of the zip declares; `_require_plain` holds it to that."""
    if len(parts) > MOST_PARTS:
        raise WorkbookRefusedError(path, f"内部有 {len(parts)} 个部分，超过 {MOST_PARTS} 个")
    if any(part.flag_bits & 1 for part in parts):
        raise WorkbookRefusedError(path, "设有密码；请取消密码后再导入")
    size = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    if size > LARGEST_CONTENT:
        raise _too_large(path)
    if size > RATIO_MATTERS_FROM and size > LARGEST_RATIO * max(packed, 1):
        raise WorkbookRefusedError(
            path,
            f"压缩比超过 {LARGEST_RATIO} 倍，疑为压缩炸弹；"
            "如确是表格，请删去大片空白或重复的行后重新保存",
        )


def _too_large(path: Path) -> WorkbookRefusedError:
    return WorkbookRefusedError(
        path,
        f"解压后超过 {LARGEST_CONTENT // 1024 // 1024} MB；请分成几个文件，或删去图片和空白行",
    )


def _require_plain(path: Path, archive: ZipFile, part: ZipInfo) -> None:
    """Read one part to its end and refuse what is no plain data.

    The zip library stops at the size that was declared and compares the checksum: a part that
    holds more than it says is found damaged, so no more is ever unpacked than was judged.
    """
    is_xml = part.filename.lower().endswith((".xml", ".rels", ".vml"))
    is_relations = part.filename.lower().endswith(".rels")
    size, texts, before, kept = 0, 0, b"", bytearray()
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            if is_xml:
                if size == 0:
                    _require_plain_encoding(path, part, chunk)
                if b"<!DOCTYPE" in before + chunk or b"<!ENTITY" in before + chunk:
                    raise WorkbookRefusedError(
                        path, f"内部的 XML（{part.filename}）含有实体定义，不是正常保存的文件"
                    )
                before = chunk[-16:]
                texts += chunk.count(b"si>")  # `<si>` and `</si>`, whatever the prefix
                if texts > 2 * MOST_TEXTS:
                    raise _too_large(path)
            size += len(chunk)
            if is_relations:
                kept += chunk
                if size > _LARGEST_RELATIONS:
                    raise _too_large(path)
    if is_relations:
        _require_inward(path, bytes(kept))


def _require_plain_encoding(path: Path, part: ZipInfo, head: bytes) -> None:
    """Refuse what would hide letters from the search for entities: UTF-16, UTF-7, EBCDIC."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    declared = _DECLARED_ENCODING.match(text)
    is_plain = declared is None or declared[1].lower() in (b"utf-8", b"utf8", b"us-ascii")
    if not (is_plain and text.startswith(b"<") and b"\x00" not in text[:64]):
        raise WorkbookRefusedError(
            path, f"内部的 XML（{part.filename}）不是 UTF-8 编码；{_SAVE_AS}"
        )


def _require_inward(path: Path, relations: bytes) -> None:
    """Refuse parts that live elsewhere; a hyperlink only shows an address and is never followed."""
    try:
        found = list(fromstring(relations))
    except (ParseError, DefusedXmlException) as error:
        raise WorkbookRefusedError(path, "文件已损坏，请在 Excel 中打开后重新保存") from error
    for relation in found:
        is_outward = relation.get("TargetMode", "").lower() == "external"
        if is_outward and not relation.get("Type", "").endswith("/hyperlink"):
            raise WorkbookRefusedError(
                path, "含有指向其他文件的链接；请在 Excel 的“数据 → 编辑链接”中断开后再导入"
            )
