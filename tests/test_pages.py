"""The pages that a person works at: what each shows, whom it refuses, and what it never does."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from compliance.assessment import Span
from compliance.canonical import format_time
from tests.small_store import ANN, BEGIN, BOB, END, EVE, Organisation, known_as, small_organisation
from web.pages.drawing import drawn, placed
from web.pages.frame import Foot, Frame, navigation
from web.pages.lanes import lanes_of
from web.pages.naming import natural, owner_name, requirement_name
from web.pages.records import RecordsPage, uses_csv
from web.pages.strips import past_strip
from web.pages.usage import broken_of, told_together
from web.pages.way import Node, Way, way_of
from web.rendering import html_page, lasted, readable

PATHS = (
    "/", "/changes", "/controls", "/controls/PRV-12", "/frameworks", "/frameworks/gdpr", "/records", "/erasures", "/evidence",
    "/evidence/3", "/evidence/3/0", "/reports", "/sources", "/verify",
)  # fmt: skip
OPENED = {
    "admin": set(PATHS),
    "auditor": set(PATHS) - {"/records", "/erasures"},
    "engineer": set(PATHS)
    - {"/records", "/erasures", "/evidence", "/evidence/3", "/evidence/3/0", "/reports"},
    "dpo": set(PATHS),
}
"""What each role opens; a data protection officer is led from the dashboard to the records."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Organisation]:
    """The small organisation, shared by the tests; none depends on what another wrote."""
    with small_organisation(tmp_path_factory.mktemp("small")) as made:
        yield made


@pytest.fixture
def admin(small: Organisation) -> Iterator[TestClient]:
    """A signed-in administrator's browser."""
    with small.visiting("admin") as browser:
        yield browser


@pytest.fixture
def officer(small: Organisation) -> Iterator[TestClient]:
    """A signed-in data protection officer's browser."""
    with small.visiting("dpo") as browser:
        yield browser


def text_of(page: Any) -> str:
    """What a person reads: without tags, white space folded."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def csrf_of(browser: TestClient) -> str:
    """The proof that a form of this session sends back."""
    found = re.search(r'name="csrf" value="([^"]+)"', browser.get("/verify").text)
    assert found is not None
    return found[1]


def worked_out(small: Organisation, browser: TestClient) -> None:
    """Wait for the time lines; the first may be those of an earlier basis, as one set at a time is worked out."""
    for _ in range(2):
        browser.get("/")
        small.app.state.remembered.finish()


def look_up(browser: TestClient, key: str, **fields: str) -> Any:
    """Fill in the form and follow to the answer."""
    asked = {"csrf": csrf_of(browser), "key_space": "customer", "key": key, "reason": "Request 7", **fields}
    return browser.post("/records", data=asked, follow_redirects=True)


# --- who may see what ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_without_signing_in_every_page_is_refused(small: Organisation, path: str) -> None:
    """A stranger gets the sign-in page and nothing of the store."""
    with small.visiting() as browser:
        page = browser.get(path)
    assert page.status_code == 401
    assert "You are not signed in." in text_of(page)
    assert "Sample data" not in page.text


@pytest.mark.parametrize("role", OPENED)
def test_each_role_opens_its_pages_and_no_other(small: Organisation, role: str) -> None:
    """A page that a role does not open is refused with 403, and is not in its navigation."""
    with small.visiting(role) as browser:
        opened = {path for path in PATHS if browser.get(path, follow_redirects=True).status_code == 200}
        refused = {path for path in PATHS if browser.get(path).status_code == 403}
        offered = set(
            re.findall(r'<nav aria-label="Main">.*?</nav>', browser.get("/verify").text)[0].split('"')
        )
    assert opened == OPENED[role]
    assert refused == set(PATHS) - OPENED[role]
    assert not offered & refused


def test_a_data_protection_officer_is_led_to_the_records(officer: TestClient) -> None:
    """The dashboard of control gaps is not where a data protection officer works."""
    answer = officer.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/records")


@pytest.mark.parametrize(
    "path", ["/records", "/records/statement", "/reports", "/controls/IDN-09/attestations"]
)
def test_a_form_that_is_not_of_the_session_is_refused(admin: TestClient, path: str) -> None:
    """A write without the session's proof, or from another site's page, changes nothing."""
    assert admin.post(path, data={"csrf": "wrong"}).status_code == 403
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert admin.post(path, data={"csrf": csrf_of(admin)}, headers=foreign).status_code == 403


# --- every page ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_every_page_states_what_it_was_computed_from(
    small: Organisation, admin: TestClient, path: str
) -> None:
    """The foot has instant, library, log size, root and program, and leads to a way to verify."""
    page = admin.get(path)
    basis = small.answers.basis()
    foot = page.text[page.text.index("<footer>") :]
    said = text_of(page)
    assert f"As of {END.day} Nov 2026, 12:00 UTC" in said
    assert basis.library[:8] in foot
    assert f"{small.store.log.size:,} entries" in said
    assert small.store.log.root(small.store.log.size).hex()[:8] in foot
    assert basis.program in foot
    assert "Verify this page" in foot
    assert "Sample data" in said


@pytest.mark.parametrize("path", PATHS)
def test_no_page_holds_script_style_or_a_foreign_address(admin: TestClient, path: str) -> None:
    """Pages need no script, no inline style and nobody else's server, as the content policy demands."""
    page = admin.get(path)
    assert "<script" not in page.text
    assert " style=" not in page.text
    assert not re.search(r'\b(?:src|href|action)="(?:https?:)?//', page.text)
    assert "Ada &lt;b&gt;Byron&lt;/b&gt;" in page.text
    assert "<b>Byron" not in page.text


def test_a_page_of_a_store_that_is_no_sample_says_nothing_of_samples() -> None:
    """Only sample data bears the banner."""
    foot = Foot(END, 1, "00" * 32, "11" * 32, "muniment/0", "log.example")
    frame = Frame("/records", "Ada", "DPO", frozenset({"dpo"}), "", (), sample=False, foot=foot)
    page = RecordsPage(frame, ("customer",), "customer", "")
    assert b"Sample data" not in html_page("records.html", page).body
    assert b"Sample data" in html_page("records.html", replace(page, frame=replace(frame, sample=True))).body


def test_static_files_are_kept_under_an_address_of_their_content(admin: TestClient) -> None:
    """The stylesheet's address changes with its content; nothing but our own files is served."""
    address = re.findall(r'href="(/static/style\.css\?v=[0-9a-f]{8})"', admin.get("/verify").text)[0]
    sheet = admin.get(address)
    assert sheet.headers["content-type"].startswith("text/css")
    assert "immutable" in sheet.headers["cache-control"]
    assert admin.get("/static/..%2Frendering.py").status_code == 404
    assert admin.get("/static/base.html").status_code == 404
    assert admin.get("/favicon.ico").headers["content-type"] == "image/svg+xml"


def test_what_is_not_there_is_told_in_a_sentence(admin: TestClient) -> None:
    """A browser gets a page, a program problem details."""
    page = admin.get("/controls/NO-99")
    assert page.status_code == 404
    assert "No control is named 'NO-99'" in text_of(page)
    assert admin.get("/nowhere").status_code == 404
    assert admin.get("/evidence/99999").status_code == 404
    problem = admin.get("/api/v1/status?framework=nope")
    assert problem.headers["content-type"] == "application/problem+json"


# --- another instant -------------------------------------------------------------------------------


def test_a_page_of_the_past_says_so_and_its_links_stay_there(admin: TestClient) -> None:
    """``at`` gives what was true then; links carry it on, and one leads back to now."""
    page = admin.get("/controls/PRV-12?at=2026-11-18T00:00")
    assert "You see what was true at 18 Nov 2026, 00:00 UTC" in text_of(page)
    assert 'href="/controls?at=2026-11-18T00%3A00"' in page.text
    assert '<a href="/controls/PRV-12">Back to now</a>' in page.text
    assert ">Effective<" in page.text.split("From the law", 1)[0]
    now = admin.get("/controls/PRV-12")
    assert ">Deficient<" in now.text.split("From the law", 1)[0]


@pytest.mark.parametrize(
    "asked", ["at=2027-01-01T00:00", "at=yesterday", "log_size=-1", "log_size=99999", "library=zz"]
)
def test_an_instant_that_cannot_be_is_refused(admin: TestClient, asked: str) -> None:
    """Nothing is known of the future, and no guess is made for what cannot be read."""
    assert admin.get(f"/?{asked}").status_code in {404, 422}


def test_a_new_entry_is_seen_at_once(small: Organisation, admin: TestClient) -> None:
    """Pages share a basis for a while, but never one that is older than the last entry."""
    before = text_of(admin.get("/verify"))
    small.link("auditor")
    after = text_of(admin.get("/verify"))
    size = small.store.log.size
    assert f"{size - 1} entries of" in before
    assert f"{size} entries of" in after


# --- the dashboard ---------------------------------------------------------------------------------


def test_the_dashboard_begins_with_its_answer(small: Organisation, admin: TestClient) -> None:
    """One sentence counts what is broken and what cannot be judged, and the gaps follow in their order."""
    basis = small.answers.basis()
    gaps = [
        result
        for result in small.answers.assessment(basis).controls.values()
        if result.status in {"deficient", "unknown"}
    ]
    page = admin.get("/")
    assert f"<h1>{len(gaps)} controls need attention</h1>" in page.text
    listed = re.findall(r'<h3><a href="/controls/([A-Z]+-\d+)">', page.text)
    assert sorted(listed) == sorted(result.id for result in gaps)
    statuses = [small.answers.assessment(basis).controls[name].status for name in listed]
    assert statuses == sorted(statuses)


def test_each_gap_names_the_value_the_change_and_what_it_breaks(admin: TestClient) -> None:
    """A row says which value decided, what to change, whose it is, and which requirements it breaks."""
    said = text_of(admin.get("/"))
    assert "it read 1 records whose consent had been withdrawn" in said
    assert "Change: Job jobs/train_churn: filter its inputs by the consent ledger" in said
    assert "GDPR Art. 7(3)" in said
    assert "Privacy office" in said


def test_since_when_a_gap_stands_is_told_once_it_is_worked_out(
    small: Organisation, admin: TestClient
) -> None:
    """The page does not wait for the time lines; when they are there it has them."""
    worked_out(small, admin)
    said = text_of(admin.get("/"))
    assert "being worked out" not in said
    assert re.search(r"PRV-03", said)
    assert "since 19 Nov , 4 days" in said
    assert "since the log began, 10 days" in said


@pytest.mark.parametrize(
    ("narrowed", "kept"),
    [("status=unknown", "unknown"), ("family=models", r"/controls/(LLM|MLG)-"), ("framework=soc2", "")],
)
def test_the_gaps_can_be_narrowed(admin: TestClient, narrowed: str, kept: str) -> None:
    """By framework, family and status; how many are left out is said."""
    everything, fewer = admin.get("/"), admin.get(f"/?{narrowed}")
    row = r'<li class="row">.*?</li>'
    rows = re.findall(row, fewer.text, re.DOTALL)
    assert 0 < len(rows) < len(re.findall(row, everything.text, re.DOTALL))
    assert all(re.search(kept, one, re.IGNORECASE) for one in rows)
    assert "shown. Show all" in text_of(fewer)


def test_a_framework_strip_is_as_long_as_its_assessable_requirements(
    small: Organisation, admin: TestClient
) -> None:
    """What nobody tests stays empty: the parts end where the judged requirements end."""
    page = admin.get("/")
    result = small.answers.assessment(small.answers.basis()).frameworks["gdpr"]
    judged = sum(bool(requirement.controls) for requirement in result.requirements)
    assert f"{judged} judged of {result.assessable}" in text_of(page)
    strip = re.search(r'href="/frameworks/gdpr".*?</svg>', page.text, re.DOTALL)
    assert strip is not None
    width = sum(float(one) for one in re.findall(r'width="([\d.]+)%" height', strip[0]))
    assert width == pytest.approx(100 * judged / result.assessable, abs=0.1)


def test_the_gaps_as_csv_state_their_basis(admin: TestClient) -> None:
    """Every row bears the four values."""
    rows = list(csv.DictReader(io.StringIO(admin.get("/gaps.csv").text)))
    assert {row["as_of"] for row in rows} == {format_time(END)}
    assert {"log_size", "library", "program"} <= rows[0].keys()


def test_changes_are_told_between_two_instants(admin: TestClient) -> None:
    """What differs since an instant, control by control and result by result; the future is refused."""
    said = text_of(admin.get("/changes?since=2026-11-18T00:00"))
    assert "PRV-03 A withdrawal stops later use Effective Deficient" in said
    assert "erased-record-stays-away" in said
    assert admin.get("/changes?since=2027-01-01T00:00").status_code == 422


# --- controls and frameworks -----------------------------------------------------------------------


def test_a_control_leads_from_the_law_to_the_proof(small: Organisation, admin: TestClient) -> None:
    """Required by, enforced at, tested by, population, evidence; the predicate; what fails, with its entries."""
    worked_out(small, admin)
    page = admin.get("/controls/PRV-12")
    said = text_of(page)
    for heading in ("Required by", "Enforced at", "Tested by", "Population", "Evidence"):
        assert f"<h3>{heading}</h3>" in page.text
    assert "GDPR Art. 5(1)(b)" in said
    assert "run-declares-purpose" in said
    assert "expect" in said
    assert re.search(r'href="/evidence/\d+/\d+"', page.text)
    assert "deficient on 1" in said
    assert "Owner: Data platform" in said


def test_an_engineer_reads_evidence_ids_without_links(small: Organisation) -> None:
    """Evidence is opened by auditors; who may not open it is offered no link."""
    with small.visiting("engineer") as browser:
        page = browser.get("/controls/PRV-12")
    assert page.status_code == 200
    assert "/evidence/" not in page.text
    assert "/attestations" not in page.text


def test_what_is_excepted_says_until_when_and_by_whom(admin: TestClient) -> None:
    """An exception in force is listed with its reason, its compensation and its end."""
    said = text_of(admin.get("/controls/IDN-04"))
    assert "Replaced by single sign-on in January" in said
    assert "Console access is limited to the office network" in said
    assert "23 Dec 2026" in said


def test_every_assessable_requirement_of_a_framework_is_listed(
    small: Organisation, admin: TestClient
) -> None:
    """With its status and controls, what no control answers included; what is out of scope says why."""
    page = admin.get("/frameworks/hipaa")
    result = small.answers.assessment(small.answers.basis()).frameworks["hipaa"]
    assert len(re.findall(r'<tr id="hipaa:', page.text)) == result.assessable
    assert "No clearinghouse (approved by CISO)" in text_of(page)
    unanswered = admin.get("/frameworks/hipaa?status=unanswered")
    assert len(re.findall(r'<tr id="hipaa:', unanswered.text)) == sum(
        not r.controls for r in result.requirements
    )
    assert "Nothing of it is in scope" in text_of(admin.get("/frameworks/sox"))
    assert admin.get("/frameworks/nope").status_code == 404


# --- signing ---------------------------------------------------------------------------------------


def signing(small: Organisation, browser: TestClient, **fields: str) -> Any:
    """Send the form of the yearly review of the register."""
    library = small.answers.library(small.answers.basis())
    form = {
        "csrf": csrf_of(browser), "attestation": "register-reviewed", "stated": "yes",
        "statement": library.attestations["register-reviewed"].statement,
    }  # fmt: skip
    return browser.post("/controls/PRV-01/attestations", data={**form, **fields})


def test_a_statement_is_signed_in_the_words_shown(small: Organisation, admin: TestClient) -> None:
    """The signature is an entry under the signer's own name, and its lapse is shown."""
    assert signing(small, admin, stated="").status_code == 422
    assert signing(small, admin, statement="I never said this.").status_code == 422
    assert signing(small, admin, attestation="access-recertified").status_code == 404
    size = small.store.log.size
    answer = signing(small, admin, signed_by="somebody else")
    assert (answer.status_code, answer.headers["location"]) == (303, "/controls/PRV-01#attestations")
    assert small.store.log.size == size + 1
    entry = small.store.log.entry(size)
    body = json.loads(small.store.log.body(entry) or b"")
    assert (entry.kind, body["signed_by"]) == ("attestation/1", "Ada <b>Byron</b>")
    page = admin.get("/controls/PRV-01")
    assert "<td>Ada &lt;b&gt;Byron&lt;/b&gt;</td>" in page.text
    assert "24 Nov 2027" in text_of(page) or "23 Nov 2027" in text_of(page)


@pytest.mark.parametrize("role", ["auditor", "engineer", "dpo"])
def test_only_who_may_attest_signs(small: Organisation, role: str) -> None:
    """Who judges or is judged by it signs nothing."""
    with small.visiting(role) as browser:
        assert signing(small, browser).status_code == 403
        assert "Sign</button>" not in browser.get("/controls/PRV-01").text


# --- record usage ----------------------------------------------------------------------------------


def test_the_key_is_in_no_page_address_or_header(small: Organisation, officer: TestClient) -> None:
    """The key becomes a pseudonym on arrival: neither answers nor refusals hold it."""
    form = {"csrf": csrf_of(officer), "key_space": "customer", "key": ANN, "reason": "Request 7"}
    answers = [
        officer.post("/records", data=form),
        officer.post("/records", data={**form, "reason": " "}),
        officer.post("/records", data={**form, "key_space": "patient"}),
        officer.post("/records", data={**form, "from": "never"}),
        look_up(officer, ANN),
    ]
    assert [answer.status_code for answer in answers] == [303, 422, 404, 422, 200]
    for answer in answers:
        assert ANN not in answer.text
        assert ANN not in str(answer.headers)
        assert ANN not in str(answer.url)
    assert "A lookup needs a reason" in text_of(answers[1])
    assert 'value="Request 7"' in answers[2].text
    leaves = b"".join(small.store.log.leaf(index) for index in range(small.store.log.size))
    assert ANN.encode() not in leaves
    assert known_as(ANN).encode() not in leaves


def test_an_answer_tells_what_broke_a_rule_before_the_rest(officer: TestClient) -> None:
    """One sentence; violations; what is not known; pictures; then every use with its proof."""
    page = look_up(officer, ANN)
    said = text_of(page)
    order = [
        "This record was used by", "Rules that were broken", "Consent had been withdrawn.", "What is not known",
        "Not complete.", "When, and for what", "By which way", "Uses State", "Where the record is",
    ]  # fmt: skip
    places = [said.index(part) for part in order]
    assert places == sorted(places)
    assert known_as(ANN) in said
    assert "churn@6" in said
    first = page.text[page.text.index('id="uses"') :]
    assert first.index("Violation") < first.index("In order")
    assert re.search(
        r"<summary class=\"small\">way and proof, \d+ steps</summary>.*?/evidence/\d+", page.text, re.DOTALL
    )


def test_a_record_that_came_back_is_shown_as_such(officer: TestClient) -> None:
    """A version whose manifest has an erased record breaks a rule by itself."""
    said = text_of(look_up(officer, EVE))
    assert "Back after its erasure." in said
    assert "Used after its erasure." in said


def test_a_record_nobody_knows_is_not_said_to_be_unused(officer: TestClient) -> None:
    """With gaps, no use known is not the same as none."""
    said = text_of(look_up(officer, "C-nobody"))
    assert "No use is known. That is not the same as none." in said


def test_a_lookup_is_recorded_once_however_often_its_answer_is_read(
    small: Organisation, officer: TestClient
) -> None:
    """Loading the answer again, and taking copies away, asks nothing again."""
    page = look_up(officer, BOB)
    name = str(page.url).rpartition("/")[2]
    size = small.store.log.size
    entry = small.store.log.entry(size - 1)
    assert (entry.kind, entry.payload is not None and bool(entry.payload.sealed)) == ("lookup/1", True)
    proof = {"csrf": csrf_of(officer), "answer": name}
    assert officer.get(f"/records/{name}").status_code == 200
    answer = json.loads(officer.post("/records/answer.json", data=proof).text)
    assert answer["pseudonym"] == known_as(BOB)
    rows = list(csv.DictReader(io.StringIO(officer.post("/records/answer.csv", data=proof).text)))
    assert len(rows) == len(answer["uses"])
    assert small.store.log.size == size


def test_an_answer_is_for_who_asked_and_lapses(small: Organisation, officer: TestClient) -> None:
    """Another person does not find it under its name, nor anybody after an hour."""
    address = str(look_up(officer, BOB).url)
    with small.visiting("dpo", person="Somebody else") as other:
        assert other.get(address).status_code == 404
    try:
        small.clock.now += timedelta(hours=1, seconds=1)
        assert officer.get(address).status_code == 404
    finally:
        small.clock.now = END


def test_the_statement_is_a_pdf_without_the_key(officer: TestClient) -> None:
    """What is handed to a person holds the pseudonym, never the key."""
    name = str(look_up(officer, BOB).url).rpartition("/")[2]
    made = officer.post("/records/statement", data={"csrf": csrf_of(officer), "answer": name})
    assert made.headers["content-type"] == "application/pdf"
    assert made.content.startswith(b"%PDF")
    assert BOB.encode() not in made.content


# --- evidence, reports, sources --------------------------------------------------------------------


def test_evidence_is_listed_narrowed_and_paged(small: Organisation, admin: TestClient) -> None:
    """The newest first, by kind and source, and on to earlier ones."""
    page = admin.get("/evidence?kind=consents/1&source=registers")
    rows = re.findall(r'<tr><td class="num"><a href="/evidence/(\d+)">', page.text)
    assert len(rows) == 2
    assert int(rows[0]) > int(rows[1])
    first = admin.get("/evidence")
    earlier = re.search(r'href="(/evidence\?before=(\d+))">Earlier', first.text)
    assert earlier is not None
    assert f">{int(earlier[2]) - 1}</a>" in admin.get(earlier[1]).text
    assert admin.get("/evidence?before=x").status_code == 422
    assert small.store.log.size > int(earlier[2])


def test_sealed_payloads_are_opened_only_for_who_may_read_them(
    small: Organisation, officer: TestClient
) -> None:
    """An auditor sees the entry and its proof; what is sealed says so."""
    index = next(i for i, entry in small.store.log.entries(0) if entry.kind == "consents/1")
    with small.visiting("auditor") as auditor:
        page = auditor.get(f"/evidence/{index}")
        assert "This payload is sealed" in text_of(page)
        assert known_as(ANN) not in page.text
        assert "/proof" in page.text
        assert "/payload" not in page.text
    opened = officer.get(f"/evidence/{index}")
    assert known_as(ANN) in opened.text


def test_hostile_payloads_are_shown_as_text(small: Organisation, admin: TestClient) -> None:
    """Markup in evidence is escaped, and bytes that are no text are not shown."""
    small.post("/contracts", {
        "namespace": "lake", "name": "<img src=x onerror=alert(1)>", "permitted_purposes": [], "valid_from": format_time(END),
    }, source="registers")  # fmt: skip
    page = admin.get(f"/evidence/{small.store.log.size - 1}/0")
    assert "&lt;img src=x onerror=alert(1)&gt;" in page.text
    assert "<img" not in page.text


def test_a_report_is_made_recorded_and_listed(small: Organisation) -> None:
    """The PDF comes as an answer to the form; its digest is in an entry and in the list."""
    with small.visiting("auditor") as auditor:
        form = {"csrf": csrf_of(auditor), "framework": "soc2", "first": "2026-11-14", "last": "2026-11-23"}
        assert auditor.post("/reports", data={**form, "framework": "nope"}).status_code == 404
        assert "ends before it starts" in text_of(
            auditor.post("/reports", data={**form, "last": "2026-11-01"})
        )
        made = auditor.post("/reports", data=form)
        assert made.content.startswith(b"%PDF")
        said = text_of(auditor.get("/reports"))
    assert made.headers["x-content-sha256"] in said
    assert "14 Nov 2026 – 23 Nov 2026" in said
    assert small.store.log.entry(int(made.headers["x-evidence-id"])).kind == "report/1"


def test_sources_say_what_is_unknown_because_of_them(small: Organisation, admin: TestClient) -> None:
    """Stale, never heard of, silence that cannot be told, in time: each with what it hides."""
    soon = END + timedelta(hours=3)
    small.answers.next_runs = lambda: {"deletions": soon}
    said = text_of(admin.get("/sources"))
    assert "sources do not report as they should" in said
    assert re.search(r"Stale last heard 20 Nov 12:00 assistant push Silent for 3 days", said)
    assert "Unknown because of it: " in said
    assert "Its silence cannot be told" in said
    assert "Next run 23 Nov 15:00" in said
    assert "lacks _producer" in said


# --- pure parts ------------------------------------------------------------------------------------


def test_a_past_that_nothing_is_known_of_is_unknown() -> None:
    """Time before the first evidence counts as unknown, and a strip is always whole."""
    began = END - timedelta(days=10)
    strip = past_strip([Span("effective", None, began, END)], END)
    assert strip.days == (("unknown", 80.0), ("effective", 10.0))
    assert sum(part.width for part in strip.parts) == pytest.approx(100, abs=0.01)
    assert past_strip([], END).days == (("unknown", 90.0),)


def use(number: int, **said: object) -> dict[str, object]:
    """A use of an answer."""
    start = BEGIN + timedelta(days=number)
    base = {
        "run_id": f"r{number}", "job": {"namespace": "j", "name": "train"}, "consumers": [{"kind": "model", "name": "m", "version": str(number)}],
        "started_at": format_time(start), "ended_at": format_time(start + timedelta(minutes=5)), "purpose": "p",
        "lawful_basis": None, "certainty": "confirmed", "influence": "direct", "path": ["n/d@1", f"run:r{number}"],
        "violations": [], "evidence": ["1/0"],
    }  # fmt: skip
    return {**base, **said}


def test_lanes_draw_each_purpose_within_the_picture() -> None:
    """Every mark lies right of the labels and within the width; undeclared purposes come last."""
    uses = [use(1), use(2, purpose="undeclared"), use(3, ended_at=None, purpose="z")]
    lanes = lanes_of(uses, END)
    assert lanes is not None
    assert [lane.purpose for lane in lanes.lanes] == ["p", "z", "undeclared"]
    marks = [mark for lane in lanes.lanes for mark in lane.marks]
    assert all(230 <= mark.x <= lanes.width for mark in marks)
    assert lanes_of([], END) is None


def test_the_way_draws_versions_and_runs_as_one_and_keeps_the_gravest_state() -> None:
    """Two runs of a job over one dataset are one way; a violation of either shows."""
    broken = {"code": "consent-withdrawn", "because": "x", "evidence": ["2"]}
    dataset = {
        "namespace": "n",
        "name": "d",
        "version": "1",
        "certainty": "possible",
        "violations": [],
        "evidence": [],
    }
    way = way_of({"datasets": [dataset], "uses": [use(1), use(2, violations=[broken])]})
    assert way.nodes == (
        Node("dataset", "d", "1 version", "unclear"), Node("job", "train", "2 runs", "violation"),
        Node("model", "m", "2 versions", "violation"),
    )  # fmt: skip
    assert way.edges == ((0, 1), (1, 2))


def test_a_way_is_drawn_without_handing_names_to_graphviz() -> None:
    """Graphviz gets sizes and gives places; hostile labels stay text; what is too long is not drawn."""
    hostile = Way(
        (Node("dataset", '"]; <script>', "", "unclear"), Node("job", "j", "1 run", "in-order")), ((0, 1),)
    )
    drawing = drawn(hostile)
    assert drawing is not None, "Graphviz is installed where the tests run"
    assert [box.node.label for box in drawing.boxes] == ['"]; <script>', "j"]
    assert drawing.boxes[0].x < drawing.boxes[1].x
    assert all(0 <= box.x <= drawing.width - box.width for box in drawing.boxes)
    assert re.fullmatch(r"M[\d.,]+ C[\d., ]+", drawing.lines[0])
    assert drawn(Way(hostile.nodes * 100, ())) is None
    assert placed(hostile, "stop\n") is None


def test_violations_of_one_reason_are_told_together() -> None:
    """The same rule broken for the same reason by several runs is one paragraph with its span."""
    broken = {"code": "consent-withdrawn", "because": "x", "evidence": ["2"]}
    (one,) = broken_of({"datasets": [], "uses": [use(1, violations=[broken]), use(3, violations=[broken])]})
    assert (one.times, one.who, one.evidence) == (2, ("m@1", "m@3"), ("2",))
    assert (one.first, one.last) == (BEGIN + timedelta(days=1), BEGIN + timedelta(days=3))


def test_the_features_of_one_version_are_told_together() -> None:
    """Three columns of a feature view are one line; models and jobs stay as they are."""
    features = [{"kind": "feature", "name": f"view:{column}", "version": "7"} for column in ("a", "b")]
    model = {"kind": "model", "name": "m", "version": None}
    assert told_together({"consumers": [*features, model]}) == (("features", "view@7: a, b"), ("model", "m"))


def test_csv_gives_a_spreadsheet_nothing_to_run() -> None:
    """A text that begins like a formula is led by an apostrophe."""
    answer = {
        "as_of": "t",
        "log_size": 1,
        "library": "l",
        "program": "p",
        "complete": True,
        "uses": [use(1, purpose="=1+1")],
    }
    assert "'=1+1" in uses_csv(answer)


def test_names_read_as_people_write_them() -> None:
    """Citations, owners, spans, and an order in which 9 comes before 10."""
    assert requirement_name("gdpr:Art.32(1)(a)") == "GDPR Art. 32(1)(a)"
    assert requirement_name("pci-dss-4.0.1:3.7.4") == "PCI DSS 3.7.4"
    assert owner_name("ml-platform") == "ML platform"
    assert sorted(["Art. 10", "Art. 9"], key=natural) == ["Art. 9", "Art. 10"]
    assert [lasted(timedelta(hours=hours)) for hours in (0, 1, 47, 48)] == [
        "0 minutes",
        "1 hour",
        "47 hours",
        "2 days",
    ]


def test_instants_in_sentences_read_as_the_page_writes_them() -> None:
    """An RFC 3339 instant within a reason is told to the minute; what is none stays as it is."""
    assert readable("lapsed at 2026-11-03T23:07:01.048164Z.") == "lapsed at 3 Nov 2026, 23:07 UTC."
    assert readable("at 2026-13-03T23:07:01Z") == "at 2026-13-03T23:07:01Z"


def test_links_carry_the_instant_and_nothing_empty() -> None:
    """An address is built, never pasted together."""
    foot = Foot(datetime(2026, 1, 1, tzinfo=UTC), 1, "", "", "", "")
    frame = Frame("/x", "", "", frozenset({"auditor"}), "", navigation("/frameworks/gdpr", frozenset({"auditor"}), None), sample=False, foot=foot, asked=(("at", "t&1"),), kept=(("a", "b c"),))  # fmt: skip
    assert frame.to("/y", kind="", source="s/1") == "/y?at=t%261&source=s%2F1"
    assert frame.now() == "/x?a=b+c"
    assert frame.evidence("4/5") == f"/evidence/{quote('4/5')}"
    assert [item.title for item in frame.navigation if item.current] == ["Controls"]
