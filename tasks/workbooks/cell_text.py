"""Text in cells: nothing that Excel would take for a formula, and the same text back.

A text cell of a workbook is never calculated. It is when somebody saves the sheet as CSV, or
copies it elsewhere: so what begins like a formula gets an apostrophe before it, the habit of every
spreadsheet. Reading takes that one apostrophe off again.
"""

import re

#: Excel's limit for one cell.
LONGEST = 32_767
_CUT = "……（过长，余下从略）"

_LIKE_A_FORMULA = re.compile(r"'*[=+\-@＝＋－＠]")
_LIKE_AN_ESCAPE = re.compile(r"'+[=+\-@＝＋－＠]")
#: What XML 1.0 cannot hold, and halves of letters.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: `_x000D_` stands for a carriage return in a workbook, `_x005F_` for the underscore itself.
_CODED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LIKE_A_CODE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_KEPT_CONTROLS = {"0009": "\t", "000A": "\n", "005F": "_"}


def to_cell(text: str) -> str:
    """Return `text` as a cell holds it: line ends are LF, what XML cannot hold is left out.

    Space around it goes, too: a tab in front would make CSV of it that calculates.
    """
    plain = _NOT_IN_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if _LIKE_A_FORMULA.match(plain):
        plain = f"'{plain}"
    coded = _LIKE_A_CODE.sub("_x005F_", plain)
    return coded if len(coded) <= LONGEST else coded[: LONGEST - len(_CUT)] + _CUT


def from_cell(text: str) -> str:
    """Return what was meant by the text of a cell; space around it is not meant."""
    plain = _CODED.sub(_decoded, text).replace("\r\n", "\n").replace("\r", "\n").strip()
    return plain[1:] if _LIKE_AN_ESCAPE.match(plain) else plain


def _decoded(coded: re.Match[str]) -> str:
    code = coded[1].upper()
    if code in _KEPT_CONTROLS:
        return _KEPT_CONTROLS[code]
    return "" if int(code, 16) < 0x20 else coded[0]
