"""One mail server and how to speak with it."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from models.rules.choice import Choice


class Security(Choice):
    """How the connection to the mail server is protected."""

    NONE = "none", "不加密"
    STARTTLS = "starttls", "STARTTLS"
    TLS = "tls", "TLS"


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """A mail server and how to speak with it; certificates are always verified."""

    host: str
    port: int
    security: Security = Security.NONE
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    #: A certificate authority that is trusted beside those the machine knows.
    ca_file: Path | None = None
    #: Seconds for the connection to be there.
    connect_timeout: float = 10.0
    #: Seconds for each answer.
    timeout: float = 20.0
    #: Whether it is this machine's mailbox, which keeps a mail from its recipient.
    is_mailbox: bool = False

    @property
    def name(self) -> str:
        """host:port."""
        return f"{self.host}:{self.port}"

    def fingerprint(self, from_address: str) -> str:
        """Return what a check of this server holds for: another server or name needs a new one."""
        what = [self.host, self.port, self.security.value, self.user, from_address]
        return sha256(json.dumps(what).encode()).hexdigest()
