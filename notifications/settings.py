"""In whose name mail is sent, where it may go, and how the server is spoken with."""

import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from models.rules.choice import Choice
from models.rules.errors import PilotError
from models.rules.mail import MailAddressError, checked_address
from models.rules.validation_words import common_words
from notifications.server import MailServer, Security


class MailSettingError(PilotError):
    """An environment variable of the mail holds something that cannot be used."""

    def __init__(self, variable: str, given: str, why: str = "") -> None:
        """Name the variable and what it holds; `why` says what it should be."""
        self.variable = variable
        self.given = given
        what = f"不可用：{why}" if why else "不可用"
        super().__init__(f"环境变量 {variable} 的值 {given!r} {what}，请改正后重试")


class MailSettingMissingError(PilotError):
    """What is set does not suffice to send mail to people."""

    def __init__(self, variable: str, why: str) -> None:
        """Name the variable to set or to correct, and say why."""
        self.variable = variable
        super().__init__(
            f"{why}，请设置或改正环境变量 {variable}；在此之前可用 PILOT_MAIL_MODE=catch"
        )


def _setting_address(given: str) -> str:
    try:
        return checked_address(given)
    except MailAddressError as error:
        raise ValueError(str(error)) from error


def _entries(given: object) -> object:
    """Split what is written with commas, semicolons or spaces between; `@` before a domain goes."""
    if not isinstance(given, str):
        return given
    words = given.replace(",", " ").replace("，", " ").replace(";", " ").replace("；", " ").split()
    return [word.removeprefix("@").lower() for word in words]


def _entry(given: str) -> str:
    """Return an address or a domain of the allow list."""
    _setting_address(given if "@" in given else f"a@{given}")
    return given


class MailMode(Choice):
    """Where mail may go."""

    CATCH = "catch", "本机拦截（不会发给任何人）"
    ALLOWLIST = "allowlist", "只发给名单内的地址，其余本机拦截"
    LIVE = "live", "正式发送"


#: What stands in the variable, not the label that people read.
_CHOICES = {
    name: "应为 " + "、".join(choice.value for choice in choices) + " 之一"
    for name, choices in (("mode", MailMode), ("security", Security))
}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PORTS = {Security.NONE: 25, Security.STARTTLS: 587, Security.TLS: 465}
_Seconds = Annotated[float, Field(ge=1, le=60)]
_Port = Annotated[int, Field(ge=1, le=65535)]


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
    catch_port: _Port = Field(default=2525, validation_alias="PILOT_SMTP_CATCH_PORT")

    #: Addresses and domains (without their subdomains) that mode `allowlist` sends to.
    allowlist: Annotated[
        tuple[Annotated[str, AfterValidator(_entry)], ...], NoDecode, BeforeValidator(_entries)
    ] = ()
    host: str | None = None
    port: _Port | None = None
    security: Security = Security.STARTTLS
    user: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    #: A certificate authority to trust beside those the machine knows.
    ca_file: Path | None = None
    connect_timeout: _Seconds = 10.0
    send_timeout: _Seconds = 20.0
    #: How many mails all dispatchers together may try in any minute.
    per_minute: Annotated[int, Field(ge=1)] | None = None
    #: How many connections one clock process sends over side by side.
    dispatchers: Annotated[int, Field(ge=1, le=8)] = 1

    @classmethod
    def read(cls) -> Self:
        """Return the settings; `MailSettingError` names the variable that is wrong."""
        try:
            return cls()
        except ValidationError as error:
            mistake = error.errors()[0]
            name = str(mistake["loc"][0])
            variable = name if name.startswith("PILOT_") else f"PILOT_MAIL_{name.upper()}"
            given = os.environ.get(variable, "")
            why = _CHOICES.get(name) or common_words(mistake) or ""
            raise MailSettingError(variable, given, why) from error

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.mode is MailMode.CATCH:  # nothing else matters then
            return self
        self.real_server()
        if self.mode is MailMode.ALLOWLIST and not self.allowlist:
            raise MailSettingMissingError("PILOT_MAIL_ALLOWLIST", "没有列出可以发送的地址或域名")
        if self.mode is MailMode.LIVE and self.domain.endswith("example.com"):
            why = f"发件地址 {self.from_address} 是虚构的，正式发送须用本单位的地址"
            raise MailSettingMissingError("PILOT_MAIL_FROM_ADDRESS", why)
        return self

    @property
    def domain(self) -> str:
        """The sender's domain, in which Message-IDs are made."""
        return self.from_address.rpartition("@")[2]

    def may_reach(self, address: str) -> bool:
        """Return whether a mail to `address` may leave this machine."""
        if self.mode is not MailMode.ALLOWLIST:
            return self.mode is MailMode.LIVE
        lower = address.lower()
        return lower in self.allowlist or lower.rpartition("@")[2] in self.allowlist

    def server(self) -> MailServer:
        """Return the server that mail goes to.

        In catch mode it is this machine's mailbox, whatever else is set: nothing that a trial
        writes can reach a person.
        """
        return self.mailbox() if self.mode is MailMode.CATCH else self.real_server()

    def mailbox(self) -> MailServer:
        """Return this machine's mailbox."""
        return MailServer(host="127.0.0.1", port=self.catch_port, is_mailbox=True)

    def real_server(self) -> MailServer:
        """Return the server set for mail to people; `MailSettingMissingError` where it is none."""
        if self.host is None:
            raise MailSettingMissingError("PILOT_MAIL_HOST", "没有指定发信服务器")
        password = self._password()
        if self.user is not None and password is None:
            raise MailSettingMissingError(
                "PILOT_MAIL_PASSWORD", "指定了登录名而没有密码（也可用 PILOT_MAIL_PASSWORD_FILE）"
            )
        if self.user is None and password is not None:
            raise MailSettingMissingError("PILOT_MAIL_USER", "指定了密码而没有登录名")
        if self.user and self.security is Security.NONE and self.host not in _LOOPBACK:
            raise MailSettingMissingError("PILOT_MAIL_SECURITY", "密码不能经未加密的连接发送")
        if self.ca_file is not None and not self.ca_file.is_file():
            raise MailSettingMissingError("PILOT_MAIL_CA_FILE", f"证书文件 {self.ca_file} 不存在")
        return MailServer(
            host=self.host,
            port=self.port or _PORTS[self.security],
            security=self.security,
            user=self.user,
            password=password,
            ca_file=self.ca_file,
            connect_timeout=self.connect_timeout,
            timeout=self.send_timeout,
        )

    def _password(self) -> str | None:
        if self.password is not None:
            return self.password.get_secret_value()
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            why = f"密码文件 {self.password_file} 无法读取"
            raise MailSettingMissingError("PILOT_MAIL_PASSWORD_FILE", why) from None
