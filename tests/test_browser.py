"""The pages in a browser: accessible in both themes and at phone width, worked by keyboard, without script."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.moto_server import moto_server, use_credentials
from tests.small_store import ANN, Organisation, small_organisation
from tests.web_world import served

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
GRAVE = {"serious", "critical"}
VIEWS = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}
PATHS = (
    "/", "/changes?since=2026-11-18T00:00", "/controls", "/controls/KMS-03", "/controls/IDN-09", "/controls/PRV-12",
    "/frameworks", "/frameworks/soc2", "/records", "/evidence", "/evidence/11", "/reports", "/sources", "/verify",
    "/controls/NO-99", "/?at=2026-11-18T00:00",
)  # fmt: skip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Organisation]:
    """The small organisation, with keys and people collected from moto."""
    with pytest.MonkeyPatch.context() as patch, moto_server() as moto:
        use_credentials(patch)
        with small_organisation(tmp_path_factory.mktemp("small"), moto) as made:
            yield made


@pytest.fixture(scope="module")
def base_url(small: Organisation) -> Iterator[str]:
    """Where it is served."""
    with served(small.app) as url:
        yield url


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for all tests."""
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=VIEWS)
def page(request: pytest.FixtureRequest, chromium: Any, small: Organisation, base_url: str) -> Iterator[Any]:
    """A signed-in administrator's page, in each view; a message on the console fails the test."""
    context = chromium.new_context(base_url=base_url, **VIEWS[request.param])
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text) if "404" not in message.text else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(f"/sign-in?link={small.link('admin', person='Ida Grau')}")
    yield opened
    context.close()
    assert said == []


def grave(page: Any) -> list[str]:
    """The serious and critical findings of axe, in short."""
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:120]}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"][:3]
    ]


def test_every_page_is_accessible_and_fits(page: Any) -> None:
    """Axe finds nothing serious, and no page is wider than the window."""
    for path in PATHS:
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert grave(page) == [], path
        too_wide = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert too_wide <= 0, path


def test_a_record_is_looked_up_by_keyboard_alone(page: Any) -> None:
    """From the form to the answer without a pointer; the answer is accessible too, and the key is nowhere."""
    page.goto("/records")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.keyboard.press("Enter")
    page.get_by_label("Key", exact=True).focus()
    page.keyboard.type(ANN)
    page.keyboard.press("Tab")
    page.keyboard.type("Access request 7")
    page.keyboard.press("Enter")
    page.wait_for_url("**/records/*")
    assert page.locator("h2").first.text_content() == "Rules that were broken"
    assert page.locator("svg.way").count() == 1
    assert ANN not in page.content()
    assert ANN not in page.url
    assert grave(page) == []


def test_pages_work_without_script(chromium: Any, small: Organisation, base_url: str) -> None:
    """Narrowing, another instant and signing out are plain forms and links."""
    context = chromium.new_context(base_url=base_url, java_script_enabled=False)
    opened = context.new_page()
    opened.goto(f"/sign-in?link={small.link('engineer')}")
    opened.get_by_label("Status").select_option("unknown")
    opened.get_by_role("button", name="Narrow").click()
    assert opened.locator(".row .status.deficient").count() == 0
    assert opened.locator(".row .status.unknown").count() > 0
    opened.get_by_text("Another instant").click()
    opened.get_by_label("Instant, in UTC").fill("2026-11-18T00:00")
    opened.get_by_role("button", name="Show").click()
    assert "status=unknown" in opened.url
    opened.get_by_text("You see what was true at 18 Nov 2026, 00:00 UTC").wait_for()
    opened.get_by_role("button", name="Sign out").click()
    opened.get_by_role("heading", name="Sign in").wait_for()
    context.close()


def test_a_printed_page_leaves_the_controls_of_the_screen_out(page: Any) -> None:
    """On paper there is no navigation, no form and no button."""
    page.goto("/")
    page.emulate_media(media="print")
    assert not page.locator("header.bar").is_visible()
    assert not page.locator("form.inline").first.is_visible()
    assert page.locator("h1").is_visible()
