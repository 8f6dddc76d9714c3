"""The daily scan of the bank's AWS account, as the posture scanner leaves it in a folder: OCSF, passes included."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from compliance.canonical import Json, format_time
from compliance.derived.posture_topics import TOPICS
from compliance.sample.datasets import REGION

ALARM_LOST = 13
"""Day on which the alarm for changes of policies is removed with an old stack."""
ALARM = "cloudwatch_log_metric_filter_policy_changes"
RULES = sorted({rule for topic in TOPICS.values() for rule in topic.anchors})
"""The rules that the scanner reports on every account."""
COMPLIANCE_FINDING = 2003


def write_scan(folder: Path, account: str, day: int, now: datetime) -> None:
    """What the scan of a day found."""
    found = [_finding(rule, account, now, fails=rule == ALARM and day >= ALARM_LOST) for rule in RULES]
    (folder / "account.ocsf.json").write_text(json.dumps(found))


def _finding(rule: str, account: str, now: datetime, *, fails: bool) -> dict[str, Json]:
    return {
        "metadata": {"event_code": rule, "product": {"name": "Prowler", "version": "5.46.0"}},
        "class_uid": COMPLIANCE_FINDING, "time_dt": format_time(now), "severity_id": 3, "status": "New",
        "status_code": "FAIL" if fails else "PASS",
        "finding_info": {"uid": f"{account}/{rule}", "title": rule.replace("_", " ")},
        "resources": [{"uid": account, "type": "AwsAccount", "region": REGION}],
        "cloud": {"account": {"uid": account}, "region": REGION},
    }  # fmt: skip
