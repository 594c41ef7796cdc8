"""Signs of life: each part says now and then that it is there."""

from models.tables.mail import machine_now
from models.tables.programme import Heartbeat
from tasks.database import transaction


def sign(part: str, detail: str = "") -> None:
    """Note that `part` is alive, in machine time."""
    with transaction() as session:
        session.merge(Heartbeat(part=part, beat_at=machine_now(), detail=detail))
