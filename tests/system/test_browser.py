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


def open_form(page: Page, address: str) -> Locator:
    """Open a run's form as a person does: ⋮, Resume."""
    page.goto(address)
    page.get_by_role("button", name="Open menu").click()
    page.get_by_role("menuitem", name="Resume").click()
    return page.get_by_role("dialog")


def submit(form: Locator) -> None:
    form.get_by_role("button", name="Resume").click()
    expect(form).to_be_hidden()


def test_a_coordinator_fills_in_the_form_and_sees_the_case_move(
    instance: Instance, page: Page
) -> None:
    run = instance.wait_at_form("HS-1-0001")
    address = f"http://127.0.0.1:{instance.prefect_port}/v2/runs/flow-run/{run['id']}"

    form = open_form(page, address)
    expect(form).to_contain_text("提出补助建议")
    expect(form).to_contain_text("120,000.00 元")
    form.get_by_label("办理结果").click()
    page.get_by_role("option", name="拟予补助", exact=True).click()
    form.get_by_label("补助比例（%）").fill("40")
    form.get_by_label("补助金额（元）").fill("120000.01")
    form.get_by_label("依据").fill("按认定支出的 40% 测算")
    submit(form)

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
    form = open_form(page, address)
    expect(form).to_contain_text("上次提交未被接受")
    expect(form.get_by_label("依据")).to_have_value("按认定支出的 40% 测算")
    form.get_by_label("补助金额（元）").fill("120000.00")
    submit(form)

    wait_for(
        lambda: (item := instance.open_item("HS-1-0001")) and item.step == "public-notice",
        "the case to move",
    )
    assert "等待:系统" in instance.wait_at_form("HS-1-0001")["tags"]
