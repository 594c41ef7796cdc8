"""Which reading is in force where the plan disagrees with itself: the policy's, or one chosen."""

from collections.abc import Mapping

from sqlmodel import Session, col, select

from models.policy import Programme
from models.policy.figures import Reading
from models.tables.milestone import ReadingChoice


def reading_choices(session: Session) -> dict[str, ReadingChoice]:
    """Return by contradiction the choice that counts, where one was made."""
    return {
        choice.contradiction: choice
        for choice in session.exec(select(ReadingChoice).order_by(col(ReadingChoice.id)))
    }


def readings_in_force(session: Session, programme: Programme) -> Mapping[str, Reading]:
    """Return the reading in force of every contradiction, by its key."""
    choices = reading_choices(session)
    found = {}
    for each in programme.contradictions:
        chosen = choices.get(each.key)
        found[each.key] = next(
            (reading for reading in each.readings if chosen and reading.key == chosen.reading),
            each.reading_in_force,
        )
    return found
