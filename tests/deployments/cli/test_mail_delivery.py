"""Mail modes, the check of the server, retries and figures, as somebody at a terminal sees them."""

from datetime import timedelta

import pytest
from sqlmodel import select

from deployments.launcher import prepare_database
from models.operations.mail_checks import DemonstrationMailError, ServerNotCheckedError
from models.operations.mail_figures import note_first_start
from models.rules.mail import MailState
from models.tables.mail import MailRetry, OutboxMail, machine_now
from models.tables.programme import ProgrammeRow
from notifications.settings import MailSettings
from tasks import mail as dispatching
from tasks.database import transaction
from tasks.mail_modes import require_may_start
from tests.smtp_server import Reply


@pytest.fixture
def live(pilot, mail_server, monkeypatch):
    """The command line where mail is to go out by `server`."""
    for name, value in {
        "MODE": "live",
        "HOST": "127.0.0.1",
        "PORT": str(mail_server.port),
        "SECURITY": "none",
        "FROM_ADDRESS": "pilot@hs.test",
    }.items():
        monkeypatch.setenv(f"PILOT_MAIL_{name}", value)
    return pilot


def may_start(world):
    with transaction(world.engine) as session:
        require_may_start(session, MailSettings.read())


def test_live_needs_a_successful_check_of_the_very_same_settings(
    live, world, mail_server, monkeypatch
):
    with pytest.raises(ServerNotCheckedError, match="须先用 pilot doctor --smtp 检验"):
        may_start(world)

    checked = live.json("doctor", "--smtp")

    assert (checked["ok"], checked["server"]) == (True, f"127.0.0.1:{mail_server.port}")
    may_start(world)
    assert mail_server.received == []
    monkeypatch.setenv("PILOT_MAIL_FROM_ADDRESS", "office@hs.test")
    with pytest.raises(ServerNotCheckedError):
        may_start(world)


def test_pilot_up_is_refused_before_anything_starts(live):
    with pytest.raises(ServerNotCheckedError):
        prepare_database(None)


def test_doctor_tells_that_mail_cannot_go_out(live):
    assert "邮件发不出去：正式发送（PILOT_MAIL_MODE=live）之前" in live("doctor").out.replace(
        "\n", ""
    )


def test_a_demonstration_never_goes_out(live, world):
    live.json("doctor", "--smtp")
    with transaction(world.engine) as session:
        session.exec(select(ProgrammeRow)).one().is_demonstration = True

    with pytest.raises(DemonstrationMailError):
        may_start(world)


def test_a_server_that_does_not_want_us_is_told_in_plain_words(live, mail_server):
    mail_server.at_sender.append(Reply("550 5.7.1 you are on a list"))

    said = live.refused("doctor", "--smtp")

    assert said == (
        f"发信服务器检验未通过：邮件服务器不接受发件地址：127.0.0.1:{mail_server.port}"
        "（服务器代码 550）；服务器原话：5.7.1 you are on a list"
    )


def test_without_a_server_there_is_nothing_to_check(pilot):
    assert "PILOT_MAIL_HOST" in pilot.refused("doctor", "--smtp")


def test_the_mode_and_the_share_are_part_of_the_status(live, mail_server, world):
    status = live.json("status")

    assert (status["mail_mode"], status["mail_server"]) == ("live", f"127.0.0.1:{mail_server.port}")
    assert status["mail_today"]["queued"] == 0
    shown = live("status").out
    assert "正式发送，127.0.0.1" in shown
    assert "今天尚无邮件" in shown


def test_a_demonstration_is_not_called_slow_for_what_was_queued_before_anything_ran(pilot, world):
    world.open()  # no dispatcher has run on this database yet
    with transaction(world.engine) as session:
        session.exec(select(OutboxMail)).one().entered_at = machine_now() - timedelta(seconds=30)

    [today] = pilot.json("mail", "stats", "--days", "1")["days"]

    assert (today["before_start"], today["queued"], today["share"]) == (1, 0, None)
    told = "另有 1 封在邮件发送首次启动之前入队"
    assert told in pilot("mail", "stats").out
    assert told in pilot("status").out.replace("\n", "")


def test_a_mail_is_followed_from_the_queue_to_the_server_and_tried_anew(live, world, mail_server):
    with transaction(world.engine) as session:
        note_first_start(session, machine_now())  # as the process that sends does
    world.open()
    [mail] = live.json("mail", "list")["mails"]
    number = mail["mail_id"]
    mail_server.at_recipient[mail["to_address"]].append(Reply("554 5.7.1 looks like spam"))
    post = dispatching.Post(MailSettings.read())

    def outside():
        return transaction(world.engine)

    dispatching.dispatch_once(outside, post)
    assert live.json("mail", "show", number)["mail"]["state"] == "failed"
    assert live.json("mail", "retry", number)["queued"] == [number]
    assert live.json("mail", "retry", number)["waiting"] == [number]
    assert live.json("mail", "retry", "--all-failed")["queued"] == []
    dispatching.dispatch_once(outside, post)
    post.close()

    assert "已送达服务器" in live("mail", "list").out
    shown = live.json("mail", "show", number)["mail"]
    assert (shown["accepted_by"], shown["accepted_code"], shown["is_caught"]) == (
        f"127.0.0.1:{mail_server.port}",
        250,
        False,
    )
    assert [each["code"] for each in shown["attempts"]] == [554, 250]
    assert shown["first_tried_at"] == shown["attempts"][0]["at"]
    [asked] = shown["retries"]
    assert asked["asked_by"].startswith("命令行（系统账户 ")
    assert asked["last_error"].endswith("服务器代码 554）")
    text = live("mail", "show", number).out
    assert f"接收的服务器  127.0.0.1:{mail_server.port}（代码 250），入队后" in text
    assert live.refused("mail", "retry", number) == (
        f"邮件 {number} 已送达服务器，不能重发；需要时请另行通知收件人"
    )
    stats = live.json("mail", "stats", "--days", "2")
    assert (len(stats["days"]), stats["days"][0]["queued"], stats["aim"]) == (2, 1, "0.95")
    assert live("mail", "stats").status == 0


def test_a_mail_that_stayed_on_this_machine_is_not_called_delivered(pilot, world, mail_server):
    world.open()
    post = dispatching.Post(MailSettings(catch_port=mail_server.port))
    dispatching.dispatch_once(lambda: transaction(world.engine), post)
    post.close()

    [mail] = pilot.json("mail", "list")["mails"]
    listed, shown = pilot("mail", "list").out, pilot("mail", "show", mail["mail_id"]).out

    assert (mail["state"], mail["is_caught"]) == ("sent", True)
    for page in (listed, shown):
        assert "本机拦截" in page
        assert "已送达服务器" not in page


def test_a_retry_names_numbers_or_all_and_not_both(pilot, world):
    world.open()
    with transaction(world.engine) as session:
        [mail] = session.exec(select(OutboxMail))
        mail.state, mail.last_error = MailState.FAILED, "收件地址不存在"

    assert pilot("mail", "retry").status == 2
    assert pilot("mail", "retry", mail.id, "--failed").status == 2
    assert pilot("mail", "retry", "--failed").status == 0
    with transaction(world.engine) as session:
        assert [each.mail_id for each in session.exec(select(MailRetry))] == [mail.id]
