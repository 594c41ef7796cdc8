"""The instance a command works on: its database, its programme, its moment."""

import getpass
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from models.operations.answering import Caller
from models.operations.programmes import NoProgrammeError
from models.rules.clock import day_of
from models.rules.stages import Channel
from tasks.answering import Moment, present_moment
from tasks.clock import lapse_note, trial_note
from tasks.database import DatabaseSettings


@dataclass(frozen=True, kw_only=True)
class Instance:
    """The programme's moment, and what every page has to say about it."""

    moment: Moment
    today: date
    trial: str | None
    lapse: str | None

    @property
    def note(self) -> str | None:
        """What stands above every page: that it is a trial, that the document has lapsed."""
        return "；".join(each for each in (self.trial, self.lapse) if each) or None

    def heading(self) -> dict[str, object]:
        """Return what every JSON document begins with."""
        return {"today": self.today, "trial_note": self.trial, "lapse_note": self.lapse}


def present() -> Instance:
    """Return the instance; raises `NoProgrammeError` before it would make an empty database."""
    if not database_exists():
        raise NoProgrammeError
    moment = present_moment()
    today = day_of(moment.at)
    return Instance(
        moment=moment,
        today=today,
        trial=trial_note(moment.row),
        lapse=lapse_note(moment.programme, today),
    )


def database_exists() -> bool:
    """Return False where the embedded database has not been made yet."""
    url = DatabaseSettings().url()
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return True
    return Path(url.database).exists()


def account() -> str:
    """Return the name of the account that runs the command."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without an entry for its user
        return str(os.getuid())


def caller(party: str | None = None) -> Caller:
    """Return who answers from here: whoever can log in to this machine's account."""
    identity = f"命令行（系统账户 {account()}）"
    return Caller(channel=Channel.COMMAND_LINE, identity=identity, party=party)
