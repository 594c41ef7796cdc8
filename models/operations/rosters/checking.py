"""The rows of a roster by themselves: each as its form has it, and against the others."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from models.forms.roster import (
    BureauRow,
    CellProblem,
    ContactRow,
    PartyRow,
    RosterContext,
    RosterRow,
    YesNo,
    columns_of,
    read_row,
    title_of,
)
from models.rules.stages import Role

#: Roles that one party holds for the whole city.
_ONE_OF_A_KIND = (Role.CITY_BUREAU, Role.FINANCE_BUREAU)
#: What nobody has in common with the example row of the template.
_TELLTALE = ("name", "credit_code", "email", "party")
_STILL_EXAMPLE, _MEND_EXAMPLE = "仍是示例行的内容", "改为实际内容，或删去这一行"


@dataclass(frozen=True, kw_only=True)
class SheetRow:
    """A row as it stands in the file: its number there, its cells by field, none of them empty.

    `problems` says by field what the file itself makes of a cell: a formula, lost digits.
    """

    kind: type[RosterRow]
    number: int
    cells: Mapping[str, object]
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong with one cell of the file, and how to mend it."""

    sheet: str
    row: int
    column: str
    what: str
    mend: str


@dataclass(frozen=True)
class CheckedRow:
    """A row that is right by itself."""

    number: int
    form: RosterRow

    def finding(self, name: str, what: str, mend: str) -> Finding:
        """Return what is wrong with the row's field `name`."""
        kind = type(self.form)
        return Finding(
            sheet=kind.sheet,
            row=self.number,
            column=title_of(kind, name),
            what=what,
            mend=mend,
        )


@dataclass(frozen=True)
class CheckedRoster:
    """The rows that are right, what is wrong with the others, and whom those speak of."""

    rows: list[CheckedRow]
    findings: list[Finding]
    #: Names of parties in rows that are wrong: their people are not told that there is none.
    faulty_names: set[str] = field(default_factory=set)
    #: Names of parties one of whose people is wrong: they are not told that they lack people.
    unsettled: set[str] = field(default_factory=set)
    examples: int = 0


def check_rows(
    rows: Iterable[SheetRow],
    context: RosterContext,
    *,
    tick: Callable[[], object] = lambda: None,
) -> CheckedRoster:
    """Return every row as its form has it, and all that is wrong in the file itself.

    The example row of the template is passed over. `tick` is called after each row.
    """
    checked: list[CheckedRow] = []
    findings: list[Finding] = []
    faulty: set[str] = set()
    unsettled: set[str] = set()
    examples = 0
    example_cells: dict[type[RosterRow], dict[str, str]] = {}
    for row in rows:
        tick()
        if row.kind not in example_cells:
            example_cells[row.kind] = _example(row.kind, context)
        shared = _shared_with(example_cells[row.kind], row.cells)
        if shared == set(example_cells[row.kind]):
            examples += 1
            continue
        form = read_row(row.kind, row.cells, context)
        problems = {} if isinstance(form, RosterRow) else {each.field: each for each in form}
        for name in _TELLTALE:
            if name in shared:
                problems[name] = CellProblem(name, _STILL_EXAMPLE, _MEND_EXAMPLE)
        for name, what in row.problems.items():
            problems[name] = CellProblem(name, what, "改正该单元格后重新导入")
        if isinstance(form, RosterRow) and not problems:
            checked.append(CheckedRow(row.number, form))
            continue
        findings += [
            Finding(
                sheet=row.kind.sheet,
                row=row.number,
                column=title_of(row.kind, problem.field),
                what=problem.what,
                mend=problem.mend,
            )
            for problem in problems.values()
        ]
        if row.kind is ContactRow:
            unsettled.add(str(row.cells.get("party", "")))
        else:
            faulty.add(str(row.cells.get("name", "")))
    findings += _repeated(checked)
    return CheckedRoster(checked, findings, faulty, unsettled, examples)


def _example(kind: type[RosterRow], context: RosterContext) -> dict[str, str]:
    return {
        column.field: _as_seen(column.example)
        for column in columns_of(kind, context.programme)
        if column.example is not None
    }


def _shared_with(example: Mapping[str, str], cells: Mapping[str, object]) -> set[str]:
    return {name for name, seen in example.items() if _as_seen(cells.get(name)) == seen}


def _as_seen(value: object) -> str:
    """Return a cell as a person sees it: 20 and 20.0, a day with and without a time, are one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.2f}"
    try:
        return f"{float(str(value)):.2f}"
    except ValueError:
        return str(value).strip().removesuffix(" 00:00:00")


def _repeated(rows: Iterable[CheckedRow]) -> list[Finding]:
    """Return the rows that claim what an earlier row of the file has claimed."""
    findings: list[Finding] = []
    first: dict[tuple[object, ...], int] = {}
    for row in rows:
        for name, key, what in _claims(row.form):
            earlier = first.setdefault((type(row.form), *key), row.number)
            if earlier != row.number:
                mend = "只保留一行；如非同一个，请改正"
                findings.append(row.finding(name, f"与第 {earlier} 行{what}", mend))
    return findings


def _claims(form: RosterRow) -> Iterable[tuple[str, tuple[object, ...], str]]:
    """Return (field, what is claimed, how it is said) of all that a row claims for itself."""
    if isinstance(form, PartyRow):
        role = form.party_role
        yield "name", ("name", role, form.name), "名称重复"
        if form.credit_code is not None:
            yield "credit_code", ("code", role, form.credit_code), "统一社会信用代码重复"
    if isinstance(form, BureauRow):
        if form.party_role in _ONE_OF_A_KIND:
            yield "role", ("place", form.party_role), f"重复：{form.role.label}全市只有一个"
        else:
            yield "county", ("place", form.county), f"重复：{form.county}只有一个经信部门"
    if isinstance(form, ContactRow):
        yield "name", ("name", form.role, form.party, form.name), "的同一单位联系人姓名重复"
        if form.is_primary is YesNo.YES:
            yield "is_primary", ("first", form.role, form.party), "重复：每个单位只有一位第一联系人"
