"""A coordinator answers in the Prefect UI: the form as it is seen, in Chromium."""

import shutil

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.system.instance import Instance, wait_for

pytestmark = [pytest.mark.system, pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def page() -> object:
    """A page in Debian's Chromium."""
    chromium = shutil.which("chromium")
    assert chromium, "chromium is missing; tests/need-debian-packages installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1440, "height": 1000})
        browser.close()


def field(form: Locator, title: str) -> Locator:
    """Return the input under `title`; the labels of Prefect's form name no input."""
    label = form.page.locator(".schema-form-property__label", has_text=title)
    asked = form.locator(".schema-form-property").filter(has=label)
    return asked.locator("textarea, input, button.p-select-button__control")


def test_a_coordinator_fills_in_the_form_and_sees_the_case_move(
    instance: Instance, page: Page
) -> None:
    run = instance.wait_at_form("HS-1-0001")
    address = f"http://127.0.0.1:{instance.prefect_port}/runs/flow-run/{run['id']}"

    page.goto(address)
    page.get_by_role("button", name="Resume").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_text("提出补助建议")).to_be_visible()
    expect(form.get_by_text("认定支出：300,000.00 元")).to_be_visible()
    field(form, "办理结果").click()
    page.get_by_role("option", name="拟予补助").click()
    field(form, "补助比例（%）").fill("40")
    field(form, "补助金额（元）").fill("120000.01")
    field(form, "依据").fill("按认定支出的 40% 测算")
    form.get_by_role("button", name="Submit").click()

    # One fen too many: the form comes back with the reason and what was typed.
    refused = wait_for(
        lambda: (
            (now := instance.run_of("HS-1-0001"))
            and "120,000.01 元超过可补助上限 120,000.00 元" in instance.words_above(now)
            and now
        ),
        "the refusal",
    )
    assert refused["id"] == run["id"]
    page.goto(address)
    page.get_by_role("button", name="Resume").click()
    expect(form.get_by_text("上次提交未被接受")).to_be_visible()
    expect(field(form, "依据")).to_have_value("按认定支出的 40% 测算")
    field(form, "补助金额（元）").fill("120000.00")
    form.get_by_role("button", name="Submit").click()

    wait_for(
        lambda: (item := instance.open_item("HS-1-0001")) and item.step == "public-notice",
        "the case to move",
    )
    instance.wait_at_form("HS-1-0001")
    page.goto(address)
    expect(page.get_by_text("等待:系统")).to_be_visible()
