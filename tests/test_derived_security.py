"""What is joined for security: postures, recurring activities, figures, logs, back-ups, accounts, changes, stores."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from compliance.derived.posture_topics import TOPICS
from compliance.facts import Fact, Unseen
from tests.derived_parts import ago, derive
from tests.fact_base import AT, memory_facts, seen, whole
from tests.sound_security import ACCOUNT, KEY, LAB, LISTED, PORTAL, RAW, RESOURCES

Change = tuple[str, str, dict[str, Any]]
SCOPES = [whole(type_) for type_ in (*LISTED, "iam_account", "kms_key")]
KMS = {"key_id": "k1", "aliases": ["alias/lake"], "manager": "CUSTOMER", "state": "Enabled", "region": "eu-central-1",
       "data_class": "personal"}  # fmt: skip


def estate(*changes: Change, without: Sequence[str] = ()) -> list[Fact]:
    """The sound estate as facts, with changes by type and resource, and without some types."""
    found = {key: dict(value) for key, value in RESOURCES.items() if key[0] not in without}
    found["iam_account", ACCOUNT] = {"account": ACCOUNT}
    found["kms_key", KEY] = dict(KMS)
    for type_, resource, values in changes:
        found[type_, resource] = found.get((type_, resource), {}) | values
    return [seen(type_, resource, value) for (type_, resource), value in found.items()]


def told(name: str, resource: str, *changes: Change, without: Sequence[str] = ()) -> Fact:
    """One derived fact of the estate with changes; types left out were never collected."""
    scopes = [state for state in SCOPES if state.fact not in without]
    return derive(memory_facts(facts=estate(*changes, without=without), scopes=scopes), name)[resource]


# --- postures ------------------------------------------------------------------------------------


def test_a_topic_counts_the_failures_of_its_rules() -> None:
    """One failing rule among the results of a topic is counted and named; other topics are untouched."""
    rule = "backup_plans_exist"
    fact = told("posture", f"{ACCOUNT}/backups", ("scan_finding", rule, {"status": "fail"}))
    assert (fact.value["failures"], fact.value["failing_rules"]) == (1, [rule])
    assert told("posture", f"{ACCOUNT}/patching").value["failures"] == 0


def test_an_account_that_nobody_scanned_is_unseen_and_not_clean() -> None:
    """Where a rule that always reports is silent, nothing is known of the topic, whatever else passed."""
    anchor = min(TOPICS["backups"].anchors)
    base = memory_facts(facts=[f for f in estate() if f.resource != anchor], scopes=SCOPES)
    fact = derive(base, "posture")[f"{ACCOUNT}/backups"]
    assert fact.unseen["failures"].cause == "missing"
    assert anchor in fact.unseen["failures"].why


def test_a_finding_of_another_account_says_nothing_here() -> None:
    """Results count for the account that they name."""
    fact = told("posture", f"{ACCOUNT}/backups", ("scan_finding", "x", {
        **RESOURCES["scan_finding", "backup_plans_exist"], "account": "999999999999", "status": "fail"}))  # fmt: skip
    assert fact.value["failures"] == 0


def test_a_topic_is_as_old_as_the_oldest_of_its_anchors() -> None:
    """A scan of last month of one rule makes the whole topic a month old."""
    fact = told(
        "posture", f"{ACCOUNT}/backups", ("scan_finding", "backup_vaults_exist", {"last_seen": ago(30)})
    )
    assert fact.value["scanned_at"] == ago(30)


def test_every_topic_has_anchors_among_its_rules() -> None:
    """A topic without a rule that always reports could not tell clean from unscanned."""
    assert all(topic.anchors and topic.anchors <= topic.rules for topic in TOPICS.values())


# --- activities, figures, logs, back-ups ---------------------------------------------------------


def test_an_activity_that_was_never_performed_is_absent_where_the_register_is_whole() -> None:
    """The register was listed whole and has no entry: known not to have been done."""
    changes: list[Change] = [("control_activity", f"log-review/{PORTAL}", {"system": "other"})]
    fact = told("system_activity", f"{PORTAL}/log-review", *changes)
    assert fact.value["performed"] is None
    hidden = told("system_activity", f"{PORTAL}/log-review", without=["control_activity"])
    assert hidden.unseen["performed"].cause == "missing"


def test_the_last_performance_counts() -> None:
    """Of several performances the latest is told, good or bad."""
    entry = RESOURCES["control_activity", f"log-review/{PORTAL}"]
    later = entry | {"performed_at": ago(0.5), "outcome": "failed", "open_items": 3}
    fact = told("system_activity", f"{PORTAL}/log-review", ("control_activity", "z", later))
    assert (fact.value["passed"], fact.value["open_items"]) == (False, 3)


@pytest.mark.parametrize(("approver", "independent"), [("bob", True), ("ann", False), (None, False)])
def test_approval_by_oneself_or_nobody_is_not_independent(approver: str | None, independent: bool) -> None:
    """Only somebody other than who did it makes a result independent."""
    changed = ("control_activity", f"threat-model/{PORTAL}", {"approved_by": approver})
    assert told("system_activity", f"{PORTAL}/threat-model", changed).value["independent"] is independent


def test_reviews_of_access_and_exercises_come_from_their_own_registers() -> None:
    """An access review is told by its completion and what is still to revoke; an exercise by its systems."""
    review = told("system_activity", f"{LAB}/access-review", ("access_review", LAB, {"revoked_open": 2}))
    assert (review.value["performed"], review.value["open_items"]) == (ago(30), 2)
    exercise = told("system_activity", f"{LAB}/failover", ("exercise", "failover", {"systems": [PORTAL]}))
    assert exercise.value["performed"] is None


def test_a_system_that_is_disposed_of_is_no_longer_there() -> None:
    """Disposed assets, and those that run nothing, have no activities."""
    facts = estate(("asset", LAB, {"disposed": ago(3)}), ("asset", "pen", {
        **RESOURCES["asset", LAB], "kind": "device"}))  # fmt: skip
    base = memory_facts(facts=facts, scopes=SCOPES)
    assert {name.partition("/")[0] for name in derive(base, "system_activity")} == {PORTAL}


def test_a_figure_says_whether_its_system_is_an_ai_system() -> None:
    """The register of AI systems decides; where it was never collected the answer is unseen."""
    assert told("system_figure", f"{PORTAL}/availability").value["ai"] is True
    assert told("system_figure", f"{LAB}/availability").value["ai"] is False
    blind = told("system_figure", f"{LAB}/availability", without=["ai_system"])
    assert blind.unseen["ai"].cause == "missing"


def test_several_streams_are_as_good_as_the_worst() -> None:
    """Of a system's streams the shortest retention, the longest delay and the fields of all count."""
    second = RESOURCES["log_source", f"{PORTAL}-audit"] | {
        "retention_days": 30, "delay_seconds": 5000, "fields": ["who", "when"], "event_types": ["billing"],
        "locked": False,
    }  # fmt: skip
    value = told("system_logging", PORTAL, ("log_source", "second", second)).value
    assert (value["streams"], value["retention_days"], value["delay_seconds"]) == (2, 30, 5000)
    assert value["fields"] == ["when", "who"]
    assert "billing" in value["event_types"]
    assert value["locked"] is False


def test_a_system_unknown_to_the_backup_tool_has_no_backup() -> None:
    """A whole listing without the system says that there is none; a partial one says nothing."""
    assert told("system_backup", LAB).value["found"] is False
    assert told("system_backup", LAB, without=["backup"]).unseen["found"].cause == "missing"


# --- accounts ------------------------------------------------------------------------------------


def test_a_leaver_is_told_by_the_last_staff_event() -> None:
    """Whoever joined again after leaving is no leaver."""
    assert told("directory_account", "u2").value["left_at"] == ago(31)
    again = RESOURCES["personnel_event", "e1"] | {"person": "p2", "effective": ago(2)}
    assert told("directory_account", "u2", ("personnel_event", "e3", again)).value["left_at"] is None


def test_an_account_of_nobody_is_known_to_be_so_only_by_a_whole_listing() -> None:
    """Without the staff system nobody can say that an account belongs to nobody."""
    stranger = ("directory_user", "u1", {"external_id": "p9", "user_name": "zed"})
    assert told("directory_account", "u1", stranger).value["person_known"] is False
    blind = told("directory_account", "u1", stranger, without=["personnel_event"])
    assert blind.unseen["person_known"].cause == "missing"


def test_a_group_named_for_administration_makes_an_account_privileged() -> None:
    """Groups are read by name, since their ids say nothing."""
    changes: list[Change] = [
        ("directory_user", "u1", {"roles": [], "groups": ["g1"]}),
        ("directory_group", "g1", {"name": "Cloud Admins"}),
    ]
    assert told("directory_account", "u1", *changes).value["privileged"] is True
    assert told("directory_account", "u1", changes[0]).value["privileged"] is False


# --- changes -------------------------------------------------------------------------------------


def test_the_author_is_no_approver_of_their_own_change() -> None:
    """Approvals of the last commit by others count."""
    mine = ("change", "org/app#1", {"approved_head": ["ann"]})
    assert told("delivered_change", "org/app#1", mine).value["other_approvers"] == 0
    both = ("change", "org/app#1", {"approved_head": ["ann", "bob"]})
    assert told("delivered_change", "org/app#1", both).value["other_approvers"] == 1


def test_an_emergency_is_reviewed_only_by_an_approval_after_it() -> None:
    """An approval before the merge does not review the emergency."""
    urgent = ("ticket", "PAY-1", {"emergency": True})
    fact = told("delivered_change", "org/app#1", urgent)
    assert (fact.value["emergency"], fact.value["reviewed_after"]) == (True, False)
    after = ("ticket", "PAY-1", {"emergency": True, "approved": ago(4)})
    assert told("delivered_change", "org/app#1", after).value["reviewed_after"] is True


def test_a_change_of_an_unlisted_repository_has_unseen_rules() -> None:
    """What the repository demanded is unseen where the repository is."""
    fact = told("delivered_change", "org/app#1", ("change", "org/app#1", {"repository": "org/other"}))
    assert fact.unseen["missing_checks"].cause == "missing"


def test_only_the_last_good_run_of_each_tool_counts() -> None:
    """A failed run is no scan, and an older finding does not outlive a later run."""
    run = RESOURCES["scan_run", "r1"]
    failed = run | {"finished": ago(1), "successful": False, "failed": 9, "worst": "critical"}
    older = run | {"finished": ago(9), "failed": 4, "worst": "high"}
    value = told("repository_scan", "org/app", ("scan_run", "r2", failed), ("scan_run", "r0", older)).value
    assert (value["scanned_at"], value["failed"], value["worst"]) == (ago(2), 0, None)


# --- stores --------------------------------------------------------------------------------------


def test_a_bucket_is_joined_with_its_key_by_any_of_its_names() -> None:
    """ARN, id and alias name the same key."""
    for name in (KEY, "k1", "alias/lake"):
        fact = told("stored_bucket", RAW, ("s3_bucket", RAW, {"kms_key_id": name}))
        assert fact.value["key_manager"] == "CUSTOMER"


def test_buckets_under_one_key_are_seen_together_whatever_they_call_it() -> None:
    """Two names of one key do not keep zones apart."""
    other = RESOURCES["s3_bucket", RAW] | {"kms_key_id": "alias/lake", "zone": "scratch"}
    fact = told("stored_bucket", RAW, ("s3_bucket", "arn:aws:s3:::x", other))
    assert fact.value["key_zones"] == ["raw", "scratch"]


def test_a_bucket_that_hides_its_key_hides_who_shares_it() -> None:
    """If one bucket's key is unseen, nobody can say that a key serves one zone."""
    facts = estate()
    value = {k: v for k, v in RESOURCES["s3_bucket", RAW].items() if k != "kms_key_id"}
    facts.append(
        seen("s3_bucket", "arn:aws:s3:::x", value, unseen={"kms_key_id": Unseen("incomplete", "denied")})
    )
    fact = derive(memory_facts(facts=facts, scopes=SCOPES), "stored_bucket")[RAW]
    assert fact.unseen["key_zones"].cause == "incomplete"


def test_an_image_that_no_scanner_named_was_never_scanned() -> None:
    """No finding, pass or fail, is no scan; it is not a clean one."""
    other = ("image", "app@sha256:bb", RESOURCES["image", "app@sha256:aa"] | {"digest": "sha256:bb"})
    fact = told("image_risk", "app@sha256:bb", other)
    assert (fact.value["scanned_at"], fact.value["serious"]) == (None, 0)


def test_the_oldest_open_serious_finding_of_an_image_counts() -> None:
    """Resolved and lesser findings do not."""
    open_ = RESOURCES["scan_finding", "image"] | {"status": "open", "severity": "high", "first_seen": ago(50)}
    lesser = open_ | {"severity": "low", "first_seen": ago(90)}
    done = open_ | {"status": "resolved", "first_seen": ago(80)}
    changes: list[Change] = [
        ("scan_finding", "a", open_),
        ("scan_finding", "b", lesser),
        ("scan_finding", "c", done),
    ]
    value = told("image_risk", "app@sha256:aa", *changes).value
    assert (value["serious"], value["oldest_serious_at"]) == (1, ago(50))


def test_a_joined_fact_is_as_old_as_the_oldest_of_what_it_joins() -> None:
    """A fresh bucket with a key seen last week is a week old."""
    facts = [fact for fact in estate() if fact.type != "kms_key"]
    facts.append(seen("kms_key", KEY, KMS, at=AT - timedelta(days=7)))
    fact = derive(memory_facts(facts=facts, scopes=SCOPES), "stored_bucket")[RAW]
    assert fact.observed_at == AT - timedelta(days=7)


def test_a_pass_for_what_is_long_gone_does_not_age_a_topic() -> None:
    """A resource deleted after an older scan leaves a pass behind; the topic is as fresh as its anchors."""
    facts = [*estate(), seen("scan_finding", "old", RESOURCES["scan_finding", "backup_vaults_exist"] | {
        "rule": "efs_have_backup_enabled", "last_seen": ago(90)}, at=AT - timedelta(days=90))]  # fmt: skip
    fact = derive(memory_facts(facts=facts, scopes=SCOPES), "posture")[f"{ACCOUNT}/backups"]
    assert fact.observed_at == AT


def test_an_older_run_of_a_scanner_does_not_age_a_repository() -> None:
    """Only the last run of each tool is judged, so only its age counts."""
    older = RESOURCES["scan_run", "r1"] | {"finished": ago(90)}
    facts = [*estate(), seen("scan_run", "r0", older, at=AT - timedelta(days=90))]
    fact = derive(memory_facts(facts=facts, scopes=SCOPES), "repository_scan")["org/app"]
    assert fact.observed_at == AT
