import random
import tracemalloc
from datetime import date, datetime
from io import BytesIO
from zipfile import ZipFile

import pytest
from defusedxml import EntitiesForbidden
from openpyxl import Workbook

from tasks.workbooks import containers, reading
from tasks.workbooks.reading import Row, open_workbook
from tasks.workbooks.refusals import (
    MissingColumnsError,
    MissingSheetError,
    RepeatedColumnError,
    WorkbookRefusedError,
)
from tests.tasks.workbooks.hostile import (
    HOSTILE,
    SHEET,
    a_good_one,
    a_workbook,
    relation,
    repacked,
)


def read(path):
    with open_workbook(path) as book:
        return [row for sheet in book.sheets.values() for row in sheet.rows()]


def one_cell(tmp_path, value, number_format=None):
    book = Workbook()
    book.active["A1"] = value
    if number_format:
        book.active["A1"].number_format = number_format
    book.save(tmp_path / "a.xlsx")
    [row] = read(tmp_path / "a.xlsx")
    return row.values[0], row.problems.get(0, "")


@pytest.mark.parametrize(("name", "content", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_is_no_plain_workbook_is_refused_with_what_to_do(
    tmp_path, name, content, words
):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(WorkbookRefusedError) as refusal:
        read(tmp_path / name)

    assert words in str(refusal.value)
    assert str(refusal.value).startswith(f"文件 {name} 不能使用：")


def test_entities_are_never_expanded_even_if_our_own_look_at_them_missed_one(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "require_safe", lambda path, stream: None)
    (tmp_path / "a.xlsx").write_bytes(HOSTILE["entities in a sheet"][1])
    tracemalloc.start()

    with pytest.raises(WorkbookRefusedError) as refusal:
        read(tmp_path / "a.xlsx")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    # openpyxl's parser is defusedxml's, and wraps what it raises
    assert isinstance(refusal.value.__cause__.__cause__, EntitiesForbidden)
    assert peak < 20 << 20


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "a.xlsx").open("wb") as stream:
        stream.truncate(containers.LARGEST_FILE + 1)

    with pytest.raises(WorkbookRefusedError, match="超过 50 MB"):
        read(tmp_path / "a.xlsx")


def test_content_over_the_limit_is_refused_however_well_it_is_packed(tmp_path, monkeypatch):
    monkeypatch.setattr(containers, "LARGEST_CONTENT", 1024 * 1024)
    noise = random.Random(1).randbytes(1024 * 1024 + 1)
    (tmp_path / "a.xlsx").write_bytes(repacked(add={"xl/media/image1.png": noise}))

    with pytest.raises(WorkbookRefusedError, match="解压后超过 1 MB"):
        read(tmp_path / "a.xlsx")


def test_more_texts_than_memory_should_hold_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(containers, "MOST_TEXTS", 1000)
    texts = b"<sst>" + b"<si><t>a</t></si>" * 1001 + b"</sst>"
    (tmp_path / "a.xlsx").write_bytes(repacked(add={"xl/other.xml": texts}))

    with pytest.raises(WorkbookRefusedError, match="请分成几个文件"):
        read(tmp_path / "a.xlsx")


@pytest.mark.parametrize("what", ["missing.xlsx", "folder.xlsx"])
def test_what_is_no_file_is_refused(tmp_path, what):
    (tmp_path / "folder.xlsx").mkdir()

    with pytest.raises(WorkbookRefusedError, match=r"没有这个文件|不是文件"):
        read(tmp_path / what)


def test_mail_addresses_that_excel_made_links_of_are_welcome(tmp_path):
    links = {"xl/worksheets/_rels/sheet1.xml.rels": relation("hyperlink")}
    (tmp_path / "a.xlsx").write_bytes(repacked(add=links))

    assert len(read(tmp_path / "a.xlsx")) == 2


def test_damage_anywhere_is_a_refusal_and_nothing_else(tmp_path):
    path, good, dice = tmp_path / "a.xlsx", a_good_one(), random.Random(20240325)
    refused = 0
    for _ in range(150):
        bad = bytearray(good)
        for _ in range(dice.randint(1, 4)):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        path.write_bytes(bad)
        try:
            read(path)
        except WorkbookRefusedError:
            refused += 1
    assert refused > 100


def test_damage_inside_the_xml_is_a_refusal_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_MOST_ROWS", 2_000)  # the row number is damaged, too
    path, dice = tmp_path / "a.xlsx", random.Random(20240325)
    with ZipFile(BytesIO(a_good_one())) as archive:
        names = archive.namelist()

    def damaged(content):
        bad = bytearray(content)
        for _ in range(dice.randint(1, 3)):
            bad[dice.randrange(len(bad))] = dice.choice(b'<>/"=0123456789ABCZ ')
        return bytes(bad)

    refused = 0
    for _ in range(100):
        path.write_bytes(repacked(change={dice.choice(names): damaged}))
        try:
            read(path)
        except WorkbookRefusedError:
            refused += 1
    assert refused > 10


@pytest.mark.parametrize(
    "xml",
    [
        b'<row r="99999999999"><c r="A1"><v>1</v></c></row>',
        b"".join(b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (i, i) for i in range(1, 3000)),
    ],
    ids=["a row far below", "rows far to the right"],
)
def test_gaps_made_to_take_for_ever_are_refused(tmp_path, monkeypatch, xml):
    monkeypatch.setattr(reading, "_MOST_ROWS", 50_000)
    monkeypatch.setattr(reading, "_MOST_CELLS", 1_000_000)

    def spread(content):
        return content[: content.index(b"<sheetData>") + 11] + xml + b"</sheetData></worksheet>"

    (tmp_path / "a.xlsx").write_bytes(repacked(change={SHEET: spread}))

    with pytest.raises(WorkbookRefusedError, match="过大"):
        read(tmp_path / "a.xlsx")


@pytest.mark.parametrize(
    ("value", "number_format", "given"),
    [
        ("  某某机械 ", None, "某某机械"),
        ("  ", None, None),
        ("一\r\n二", None, "一\n二"),
        ("一_x000D_\n二", None, "一\n二"),
        (13800138000, None, "13800138000"),
        (13800138000.0, None, "13800138000"),
        (120000.55, "#,##0.00", "120000.55"),
        (0.1 + 0.2, None, "0.3"),
        (1e-7, None, "0.0000001"),
        (-5, None, "-5"),
        (0.4, "0%", "40%"),
        (0.07, "0.00%", "7%"),
        (True, None, "是"),
        (False, None, "否"),
        (date(2024, 3, 25), None, date(2024, 3, 25)),
        (datetime(2024, 3, 25), "yyyy/m/d", date(2024, 3, 25)),  # noqa: DTZ001
        (datetime(2024, 3, 25, 14, 30), None, "2024-03-25 14:30:00"),  # noqa: DTZ001
        ("071464001234567890", "@", "071464001234567890"),
        ("'+86 714 1234567", "@", "+86 714 1234567"),
        ("O'Neil", None, "O'Neil"),
        ("'quoted'", None, "'quoted'"),
    ],
)
def test_a_cell_gives_what_was_typed(tmp_path, value, number_format, given):
    found = one_cell(tmp_path, value, number_format) if given is not None else None

    assert found == ((given, "") if given is not None else None)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (914202810000000019, "15 位"),
        (9.14202810000000019e17, "15 位"),
        ("9.14203E+17", "15 位"),
        ("=1+1", "公式"),
        ("=cmd|'/c calc'!A0", "公式"),
        ('=HYPERLINK("https://example.com")', "公式"),
        ("#REF!", "错误值 #REF!"),
    ],
)
def test_a_cell_that_cannot_be_taken_says_why(tmp_path, value, words):
    assert words in one_cell(tmp_path, value)[1]


def test_the_last_result_of_a_formula_is_not_taken_either(tmp_path):
    formula = b'<c r="A2"><f>1+1</f><v>2</v></c>'
    alter = {
        SHEET: lambda content: content.replace(
            b"</row></sheetData>", formula + b"</row></sheetData>"
        )
    }
    (tmp_path / "a.xlsx").write_bytes(repacked(change=alter))

    problems = [row.problems for row in read(tmp_path / "a.xlsx") if row.problems]

    assert [words for each in problems for words in each.values()] == [reading._FORMULA]


def test_empty_rows_are_left_out_and_the_others_keep_their_numbers(tmp_path):
    a_workbook(tmp_path / "a.xlsx", ["a"], [], [None, " "], [None, "b"])

    assert read(tmp_path / "a.xlsx") == [
        Row(number=1, values=("a",), problems={}),
        Row(number=4, values=(None, "b"), problems={}),
    ]


def test_a_table_is_found_by_its_heading_and_knows_where_each_value_stands(tmp_path):
    a_workbook(
        tmp_path / "a.xlsx", ["说明"], ["备注", "名称*", " 代 码\n"], [None, "甲", "1"], ["乙"]
    )

    with open_workbook(tmp_path / "a.xlsx") as book:
        table = book.sheet("Sheet").table(["名称", "代码"])
        rows = list(table.rows)

    assert [(row.number, dict(row.values)) for row in rows] == [
        (3, {"备注": None, "名称": "甲", "代码": "1"}),
        (4, {"备注": "乙", "名称": None, "代码": None}),
    ]
    assert table.address(3, "代码") == "C3"


def test_what_is_missing_or_there_twice_is_named(tmp_path):
    a_workbook(tmp_path / "a.xlsx", ["名称", "电话", "电话"])

    with open_workbook(tmp_path / "a.xlsx") as book:
        with pytest.raises(MissingSheetError, match="现有：Sheet"):
            book.sheet("企业")
        with pytest.raises(MissingColumnsError, match="缺少列：代码、邮箱；"):
            book.sheet("Sheet").table(["代码", "名称", "邮箱"])
        with pytest.raises(RepeatedColumnError, match="“电话”"):
            book.sheet("Sheet").table(["名称"])
