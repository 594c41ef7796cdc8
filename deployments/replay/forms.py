"""What the invented people write into each form; the demonstration's answers, with variety."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random

from sqlmodel import Session, col, select

from deployments.demonstration.answers import invoice, typical_answer
from deployments.replay.asked import Asked
from deployments.replay.behaviour import behaviour, chance, drawn
from deployments.replay.intentions import Intention
from models.operations.effects.subsidy import award_in_force, ceiling_of
from models.operations.parties import available_providers, contacts_of, names_of, party_for_role
from models.policy import Programme
from models.rules.money import to_fen
from models.rules.stages import Role, Stage
from models.tables.case import Case
from models.tables.party import Party
from models.tables.records import Expenditure


class Pens:
    """Fills in the forms of one replay."""

    def __init__(
        self, seed: int, programme: Programme, enterprises: Mapping[int, Mapping[str, str]]
    ) -> None:
        """`enterprises` holds, by party number, what of each stands in its application."""
        self._seed = seed
        self._programme = programme
        self._enterprises = enterprises
        self._handlers: dict[int, str] = {}

    def form(self, session: Session, intention: Intention) -> dict[str, object]:
        """Return what is handed in for the item; `session` shows how the case stands."""
        asked = intention.asked
        written: dict[str, object] = {"handler": self._handler(session, asked)}
        if asked.role is Role.SYSTEM:
            assert intention.turn is not None  # noqa: S101 -- nobody ends a notice but the system
            return {**written, "outcome": intention.turn.outcome, **intention.turn.words}
        if intention.is_progress:
            every = behaviour().pace.progress_every
            progress = min(95, 15 + 12 * intention.times)
            note = f"已实施 {every * (intention.times + 1)} 个工作日"
            return {**written, "outcome": "上报进度", "progress": progress, "note": note}
        written |= typical_answer(
            asked.stage,
            asked.step,
            enterprise=self._enterprises[asked.enterprise_id],
            case_no=asked.case_no,
            today=intention.day,
            spend=self._spend(asked),
            level=drawn(self._dice(asked, "level"), behaviour().enterprises.levels),
        )
        written |= self._own_words(session, intention)
        if intention.turn is not None:
            written |= {**intention.turn.words, "outcome": intention.turn.outcome}
        return {name: value for name, value in written.items() if value is not None}

    def _dice(self, asked: Asked, what: str) -> Random:
        return chance(self._seed, asked.case_no, what)

    def _handler(self, session: Session, asked: Asked) -> str:
        """Return who answers: the first of the party's people; for a notice, of the lead bureau."""
        is_notice = asked.role is Role.SYSTEM
        party_id = 0 if is_notice else asked.party_id
        if party_id not in self._handlers:  # nobody leaves in a replay
            bureau = party_for_role(session, Role.CITY_BUREAU).id if is_notice else None
            self._handlers[party_id] = contacts_of(session, bureau or party_id)[0].name
        return self._handlers[party_id]

    def _spend(self, asked: Asked) -> Decimal:
        least, most = behaviour().enterprises.spend
        fen = self._dice(asked, "spend").randint(least * 100, most * 100)
        return Decimal(fen).scaleb(-2)

    def _own_words(self, session: Session, intention: Intention) -> dict[str, object]:
        """Return what depends on the case: who is chosen, what was declared, what is due."""
        asked = intention.asked
        match asked.stage, asked.step:
            case Stage.DIAGNOSIS, "assign-provider":
                return {"provider": self._provider(session, asked)}
            case Stage.TRANSFORMATION, "contract":
                case = session.get_one(Case, asked.case_no)
                return {"provider": session.get_one(Party, case.provider_id).name}
            case Stage.TRANSFORMATION, "declare":
                return {"lines": self._invoices(intention)}
            case Stage.ACCEPTANCE, "assign-assessor":
                names = names_of(session, Role.ASSESSOR)
                return {"assessor": self._dice(asked, "assessor").choice(names)}
            case Stage.ACCEPTANCE, "review" if intention.turn is None:
                return {"lines": self._recognised(session, asked)}
            case Stage.SUBSIDY, "propose":
                return self._proposal(session, asked)
            case Stage.SUBSIDY, "pay":
                return {"amount": str(award_in_force(session, asked.case_no).amount)}
            case _:
                return {}

    def _provider(self, session: Session, asked: Asked) -> str:
        """Return a provider that has room and is not the one that was sent away."""
        case = session.get_one(Case, asked.case_no)
        held = session.get_one(Party, case.provider_id).name if case.provider_id else ""
        names = [name for name in available_providers(session) if name != held]
        return self._dice(asked, f"provider {asked.attempt}").choice(names)

    def _invoices(self, intention: Intention) -> list[dict[str, object]]:
        """Return the declaration: the spending in some invoices, one with little paid on it."""
        asked = intention.asked
        dice = self._dice(asked, "invoices")
        count = dice.randint(*behaviour().enterprises.invoices)
        spend = self._spend(asked)
        each = to_fen(spend / count)
        sums = [each] * (count - 1) + [spend - each * (count - 1)]
        lines = [
            invoice(f"{asked.case_no}-{asked.attempt}-{number}", amount, intention.day)
            for number, amount in enumerate(sums, start=1)
        ]
        if count > 1:  # paid in part: what was paid is the least of the three sums
            lines[-1]["paid_sum"] = str(to_fen(sums[-1] * dice.randint(50, 100) / 100))
        return lines

    def _recognised(self, session: Session, asked: Asked) -> Sequence[dict[str, str]]:
        """Return the invoices of which less than the least of their sums is recognised."""
        lines = session.exec(
            select(Expenditure)
            .where(Expenditure.case_no == asked.case_no, ~col(Expenditure.is_replaced))
            .order_by(col(Expenditure.id))
        )
        dice = self._dice(asked, "recognised")
        return [
            {"invoice_no": line.invoice_no, "eligible_sum": str(to_fen(line.paid_sum / 2))}
            for line in lines
            if dice.randrange(100) < behaviour().enterprises.cut
        ]

    def _proposal(self, session: Session, asked: Asked) -> dict[str, object]:
        due = ceiling_of(session, self._programme, asked.case_no)
        rate = Decimal(drawn(self._dice(asked, "rate"), behaviour().enterprises.rates))
        amount = min(due.amount, to_fen(due.eligible_spend * rate / 100))
        if not amount:
            # Neither rate nor amount: what the typical answer says of them is taken back.
            basis = "；".join(due.explanation())
            return {"outcome": "不予补助", "rate_percent": None, "amount": None, "basis": basis}
        basis = f"按认定支出的 {rate}% 测算"
        return {"rate_percent": str(rate), "amount": str(amount), "basis": basis}
