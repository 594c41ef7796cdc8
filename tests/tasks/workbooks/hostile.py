"""Files that somebody might hand in: a good workbook, and what can be done to one."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook

OLE = bytes.fromhex("D0CF11E0A1B11AE1")


def a_workbook(path: Path, *rows: list[object]) -> Path:
    book = Workbook()
    for row in rows or (["名称", "代码"], ["示例企业", "91420281MA0ENT001U"]):
        book.active.append(row)
    book.save(path)
    return path


def a_good_one() -> bytes:
    made = BytesIO()
    book = Workbook()
    book.active.append(["名称", "代码"])
    book.active.append(["示例企业", "91420281MA0ENT001U"])
    book.save(made)
    return made.getvalue()


def repacked(
    *,
    add: dict[str, bytes] | None = None,
    change: dict[str, Callable[[bytes], bytes]] | None = None,
    leave_out: tuple[str, ...] = (),
) -> bytes:
    """Return a good workbook with parts added, changed or left out."""
    made = BytesIO()
    with ZipFile(BytesIO(a_good_one())) as old, ZipFile(made, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in leave_out:
                alter = (change or {}).get(name, lambda content: content)
                new.writestr(name, alter(old.read(name)))
        for name, content in (add or {}).items():
            new.writestr(name, content)
    return made.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">%s]><worksheet
xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1"
t="inlineStr"><is><t>&lol9;</t></is></c></row></sheetData></worksheet>""" % b"".join(
    b'<!ENTITY lol%d "%s">' % (i, b"&lol%s;" % (str(i - 1).encode() if i > 1 else b"") * 10)
    for i in range(1, 10)
)


def relation(kind: str, mode: str = "External") -> bytes:
    return (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
        'relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/'
        f'officeDocument/2006/relationships/{kind}" Target="https://example.com/x" '
        f'TargetMode="{mode}"/></Relationships>'
    ).encode()


def _declared_smaller(content: bytes) -> bytes:
    """Return the zip with the declared size of the sheet set to 100 bytes, in both places."""
    with ZipFile(BytesIO(content)) as archive:
        size = archive.getinfo(SHEET).file_size
    return content.replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little"))


#: what it is -> (file name, content, words of the refusal)
HOSTILE: dict[str, tuple[str, bytes, str]] = {
    "old Excel": ("a.xls", OLE + bytes(600), "旧版 Excel 格式"),
    "old Excel under a new name": ("a.xlsx", OLE + bytes(600), "扩展名写成了 .xlsx"),
    "with a password": (
        "a.xlsx",
        OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600),
        "打开密码",
    ),
    "macros by ending": ("a.xlsm", a_good_one(), "宏"),
    "macros by part": ("a.xlsx", repacked(add={"xl/vbaProject.bin": b"x"}), "含有宏"),
    "macros by content type": (
        "a.xlsx",
        repacked(
            change={
                "[Content_Types].xml": lambda content: content.replace(
                    b"openxmlformats-officedocument.spreadsheetml.sheet.main",
                    b"ms-excel.sheet.macroEnabled.main",
                )
            }
        ),
        "含有宏",
    ),
    "WPS's own format": ("a.et", b"PK", "WPS"),
    "OpenDocument": ("a.ods", b"PK", "OpenDocument"),
    "no ending": ("a", a_good_one(), "不是 .xlsx"),
    "a Word document": ("a.xlsx", repacked(leave_out=("xl/workbook.xml",)), "不是 Excel 工作簿"),
    "a picture": ("a.xlsx", b"\x89PNG\r\n\x1a\n\x00\x00", "不是 Excel 工作簿"),
    "nothing": ("a.xlsx", b"", "空的"),
    "external links": (
        "a.xlsx",
        repacked(add={"xl/externalLinks/externalLink1.xml": b"<a/>"}),
        "其他文件的链接",
    ),
    "a linked picture": (
        "a.xlsx",
        repacked(add={"xl/drawings/_rels/drawing1.xml.rels": relation("image")}),
        "断开",
    ),
    "an embedded object": (
        "a.xlsx",
        repacked(add={"xl/embeddings/oleObject1.bin": b"x"}),
        "嵌入的对象",
    ),
    "a data connection": ("a.xlsx", repacked(add={"xl/connections.xml": b"<a/>"}), "数据连接"),
    "entities in a sheet": ("a.xlsx", repacked(change={SHEET: lambda _: LAUGHS}), "实体"),
    "entities in UTF-16": (
        "a.xlsx",
        repacked(change={SHEET: lambda _: LAUGHS.decode().encode("utf-16")}),
        "不是 UTF-8",
    ),
    "entities behind a declared encoding": (
        "a.xlsx",
        repacked(
            change={SHEET: lambda _: LAUGHS.replace(b'"1.0"?>', b'"1.0" encoding="utf-7"?>', 1)}
        ),
        "不是 UTF-8",
    ),
    "a bomb by ratio": ("a.xlsx", repacked(add={"xl/bomb.xml": b"<" + bytes(20 << 20)}), "炸弹"),
    "too many parts": (
        "a.xlsx",
        repacked(add={f"xl/{number}.xml": b"<a/>" for number in range(1100)}),
        "超过 1000 个",
    ),
    "declared smaller than it is": ("a.xlsx", _declared_smaller(a_good_one()), "损坏"),
    "cut off": ("a.xlsx", a_good_one()[:-200], "损坏"),
    "cut off at the front": ("a.xlsx", b"PK\x03\x04" + bytes(100), "损坏"),
    "a sheet that is no XML": (
        "a.xlsx",
        repacked(change={SHEET: lambda content: content[:-30]}),
        "损坏",
    ),
    "a workbook that is no workbook": (
        "a.xlsx",
        repacked(change={"xl/workbook.xml": lambda _: b"<a/>"}),
        "损坏",
    ),
    "strict Open XML": (
        "a.xlsx",
        repacked(
            change={
                "xl/workbook.xml": lambda content: content.replace(
                    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
                    b"http://purl.oclc.org/ooxml/spreadsheetml/main",
                )
            }
        ),
        "Strict",
    ),
    "CSV": ("a.csv", "名称,代码\n示例,1\n".encode(), "UTF-8 编码"),
    "CSV with a mark": ("a.csv", "名称,代码\n示例,1\n".encode("utf-8-sig"), "65001"),
    "CSV in GBK": ("a.csv", "名称,代码\n示例,1\n".encode("gbk"), "GBK 编码"),
    "CSV in GBK under a wrong name": ("a.xlsx", "名称,代码\n示例".encode("gbk"), "936"),
}
