"""In whose name mail is sent, and the one server it may go to."""

import os
from dataclasses import dataclass, field
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.rules.choice import Choice
from models.rules.errors import PilotError
from models.rules.mail import MailAddressError, checked_address


class MailSettingError(PilotError):
    """An environment variable of the mail holds something that cannot be used."""

    def __init__(self, variable: str, given: str) -> None:
        """Name the variable and what it holds."""
        self.variable = variable
        self.given = given
        super().__init__(f"环境变量 {variable} 的值 {given!r} 不可用，请改正后重试")


def _setting_address(given: str) -> str:
    try:
        return checked_address(given)
    except MailAddressError as error:
        raise ValueError(str(error)) from error


class MailMode(Choice):
    """Where mail may go."""

    CATCH = "catch", "本机拦截"


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
    #: Seconds for connecting and for each answer.
    timeout: float = 20.0

    @property
    def name(self) -> str:
        """host:port."""
        return f"{self.host}:{self.port}"


class MailSettings(BaseSettings):
    """In whose name mail is sent, and where it may go; variables begin with `PILOT_MAIL_`."""

    model_config = SettingsConfigDict(
        env_prefix="PILOT_MAIL_",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        validate_by_name=True,
        validate_by_alias=True,
    )

    mode: MailMode = MailMode.CATCH
    from_name: str = "黄石市中小企业数字化转型试点"
    from_address: Annotated[str, AfterValidator(_setting_address)] = "pilot@huangshi.example.com"
    #: Where answers go; without it, to the sender.
    reply_to: Annotated[str, AfterValidator(_setting_address)] | None = None
    catch_port: Annotated[int, Field(ge=1, le=65535)] = Field(
        default=2525, validation_alias="PILOT_SMTP_CATCH_PORT"
    )

    @classmethod
    def read(cls) -> Self:
        """Return the settings; `MailSettingError` names the variable that is wrong."""
        try:
            return cls()
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            variable = name if name.startswith("PILOT_") else f"PILOT_MAIL_{name.upper()}"
            raise MailSettingError(variable, os.environ.get(variable, "")) from error

    @property
    def domain(self) -> str:
        """The sender's domain, in which Message-IDs are made."""
        return self.from_address.rpartition("@")[2]

    def server(self) -> MailServer:
        """Return the server that mail goes to.

        In catch mode it is this machine's mailbox, whatever else is set: nothing that a trial
        writes can reach a person.
        """
        match self.mode:
            case MailMode.CATCH:
                return MailServer(host="127.0.0.1", port=self.catch_port)
