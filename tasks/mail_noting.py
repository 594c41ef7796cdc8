"""Notes what the mail server has taken: several mails at once, and none of them late."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from sqlalchemy.exc import DBAPIError

from models.operations.outbox import TakenMail, mark_sent
from notifications.dialogue import A_MOMENT
from tasks.database import Transactions

#: A kill repeats at most so many mails.
MOST_UNNOTED: Final = 8
#: So many are noted together; the others are those that the server takes meanwhile.
_TOGETHER: Final = 6


class Clerk:
    """Notes in a thread of its own, which waits for the database more than it works."""

    def __init__(self, transaction: Transactions, now: Callable[[], datetime]) -> None:
        """Note in transactions that `transaction` begins; nobody else may meanwhile."""
        self._transaction = transaction
        self._now = now
        self._thread = ThreadPoolExecutor(1)
        self._waiting: list[TakenMail] = []
        self._being_noted: list[TakenMail] = []
        self._noting: Future[None] | None = None
        #: How many have been noted.
        self.noted = 0

    def __enter__(self) -> Self:
        """Begin to work."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Come to an end: all has been noted."""
        try:
            self.note_all()
        finally:
            self._thread.shutdown()

    def add(self, mail: TakenMail) -> None:
        """Take on a mail."""
        self._waiting.append(mail)

    def keep_up(self) -> None:
        """Note what must be noted before the content of another mail goes."""
        if self._noting is not None and self._noting.done():
            self._settle()
        if self._is_late(self._being_noted):
            self._settle()
        if self._is_late(self._waiting):
            self.note_all()
        if len(self._being_noted) + len(self._waiting) >= MOST_UNNOTED:
            self._settle()
        if len(self._waiting) >= _TOGETHER:
            self._begin()

    def _is_late(self, mails: list[TakenMail]) -> bool:
        return bool(mails) and self._now() - mails[0].at >= A_MOMENT

    def note_all(self) -> None:
        """Note all there is, and wait until it is done."""
        self._settle()
        self._begin()
        self._settle()

    def _begin(self) -> None:
        if self._waiting and self._noting is None:
            self._being_noted, self._waiting = self._waiting, []
            self._noting = self._thread.submit(self._note, self._being_noted)

    def _settle(self) -> None:
        if self._noting is None:
            return
        wait([self._noting])  # told to stop in here, we come here once more
        noting, self._noting = self._noting, None
        mails, self._being_noted = self._being_noted, []
        noting.result()
        self.noted += len(mails)

    def _note(self, mails: list[TakenMail]) -> None:
        try:
            self._mark(mails)
        except DBAPIError:
            self._note_each(mails)

    def _note_each(self, mails: list[TakenMail]) -> None:
        """Note mails one by one: the connection was lost or, of one mail, there is no noting it.

        That must not hold up the others.
        """
        failure: DBAPIError | None = None
        for mail in mails:
            try:
                self._mark([mail])
            except DBAPIError as error:
                failure = error
        if failure is not None:
            raise failure

    def _mark(self, mails: list[TakenMail]) -> None:
        with self._transaction() as session:
            mark_sent(session, mails)
