"""What a roster would do to the register: per row new, changed, kept or the same."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from models.forms.roster import ContactRow, title_of
from models.operations.rosters.checking import CheckedRow, Finding
from models.rules.choice import Choice
from models.rules.stages import Role


class RowState(Choice):
    """What becomes of a row."""

    NEW = "new", "新增"
    CHANGED = "changed", "改动"
    KEPT = "kept", "保留已核内容"
    SAME = "same", "无变化"


@dataclass
class Change:
    """A value that is registered otherwise. `protected` says why it is not simply overwritten."""

    field: str
    before: object
    after: object
    protected: str = ""


@dataclass
class PersonPlan:
    """A row of 联系人: a new person of a party, or one who is known there by that name."""

    row: CheckedRow
    form: ContactRow
    contact_id: int | None
    changes: list[Change] = field(default_factory=list)


@dataclass
class PartyPlan:
    """A party of the roster: its row, if it has one, and the rows of its people."""

    role: Role
    name: str
    party_id: int | None
    row: CheckedRow | None = None
    changes: list[Change] = field(default_factory=list)
    people: list[PersonPlan] = field(default_factory=list)
    #: Name of the first contact now, and as the roster wants it.
    first: str = ""
    wanted_first: str = ""

    def all_changes(self) -> Iterator[Change]:
        """Give the changes of the party and of its people."""
        yield from self.changes
        for person in self.people:
            yield from person.changes


@dataclass(frozen=True, kw_only=True)
class PlannedRow:
    """What a person is shown of one row."""

    sheet: str
    row: int
    name: str
    state: RowState
    #: (column, before, after, why it is kept) of what is registered otherwise.
    changes: tuple[tuple[str, object, object, str], ...]


@dataclass(frozen=True)
class RosterPlan:
    """All of it; nothing is done while there are findings."""

    parties: list[PartyPlan]
    findings: list[Finding]
    overwrites_checked: bool = False

    def will_do(self, change: Change) -> bool:
        """Return whether the change is made when the plan is applied."""
        return self.overwrites_checked or not change.protected

    @property
    def asks(self) -> bool:
        """Whether it would change what is registered, which a person has to see first."""
        return any(self.will_do(change) for party in self.parties for change in party.all_changes())

    def rows(self) -> Iterator[PlannedRow]:
        """Give every row, the party before its people."""
        for party in self.parties:
            if party.row is not None:
                is_new = party.party_id is None
                yield self._row(party.row, party.name, is_new, party.changes)
            for person in party.people:
                name = f"{party.name} {person.form.name}"
                yield self._row(person.row, name, person.contact_id is None, person.changes)

    def counts(self) -> dict[RowState, int]:
        """Return how many rows there are of each state."""
        counts = dict.fromkeys(RowState, 0)
        for row in self.rows():
            counts[row.state] += 1
        return counts

    def _row(self, row: CheckedRow, name: str, is_new: bool, changes: list[Change]) -> PlannedRow:
        kind = type(row.form)
        if is_new:
            state = RowState.NEW
        elif any(self.will_do(change) for change in changes):
            state = RowState.CHANGED
        else:
            state = RowState.KEPT if changes else RowState.SAME
        return PlannedRow(
            sheet=kind.sheet,
            row=row.number,
            name=name,
            state=state,
            changes=tuple(
                (
                    title_of(kind, change.field),
                    change.before,
                    change.after,
                    "" if self.will_do(change) else change.protected,
                )
                for change in changes
            ),
        )
