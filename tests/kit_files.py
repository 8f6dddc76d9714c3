"""Folders for the kit: a few resources in the files of each source that reads files, one line each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from collectors.feast.collect import FeastCollector
from collectors.feast.read import READER as FEAST
from collectors.fides.collect import FidesCollector
from collectors.fides.read import READER as FIDES
from collectors.ocsf.collect import ocsf_collector
from collectors.ocsf.read import READER as OCSF
from collectors.register.collect import RegisterCollector
from collectors.register.read import READER as REGISTER
from collectors.sarif.collect import sarif_collector
from collectors.sarif.read import READER as SARIF
from compliance.canonical import pseudonym
from tests.collecting import Clock
from tests.kit import FileSubject, Folder

MAIL = "anna.kern@example.org"
SECRET = bytes(range(16))
RISKS = """\
- id: r1
  title: A model leaks what it learned
  level: high
  treatment: mitigate
  status: open
  controls: [MLG-01]
- {id: r2, title: A supplier fails, level: low, treatment: accept, status: open, controls: []}
"""


def finding(uid: str, status: str = "FAIL", **more: Any) -> dict[str, Any]:
    """A finding in OCSF as Prowler writes it."""
    return {
        "metadata": {"event_code": "s3_bucket_public", "product": {"name": "Prowler", "version": "5.46.0"}},
        "class_uid": 2004, "severity_id": 4, "status": "New", "status_code": status, "time": 1795470000,
        "finding_info": {"uid": uid, "title": "Buckets are not public", "created_time": 1795470000},
        "resources": [{"uid": "arn:aws:s3:::shop", "type": "AwsS3Bucket", "region": "eu-central-1"}],
        "cloud": {"account": {"uid": "123456789012"}, "region": "eu-central-1"},
        "unmapped": {"compliance": {"PCI-4.0": ["1.2.3"]}}, **more,
    }  # fmt: skip


def sarif(*results: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A SARIF log of one run."""
    rules = [{"id": "py/eval", "shortDescription": {"text": "Code from data"},
              "properties": {"security-severity": "9.3", "tags": ["security"]}}]  # fmt: skip
    run = {
        "tool": {"driver": {"name": "CodeQL", "semanticVersion": "2.19", "rules": rules}}, "results": list(results),
        "invocations": [{"executionSuccessful": True, "endTimeUtc": "2026-11-22T10:00:00Z"}],
        "versionControlProvenance": [{"repositoryUri": "https://example.org/shop", "revisionId": "a1"}], **more,
    }  # fmt: skip
    return {"version": "2.1.0", "runs": [run]}


def result(guid: str, **more: Any) -> dict[str, Any]:
    """A result of that run."""
    place = {"physicalLocation": {"artifactLocation": {"uri": "shop/load.py"}, "region": {"startLine": 7}}}
    return {
        "ruleId": "py/eval",
        "ruleIndex": 0,
        "guid": guid,
        "message": {"text": "…"},
        "locations": [place],
        **more,
    }


def dump() -> dict[str, Any]:
    """A registry dump of Feast."""
    meta = {"createdTimestamp": "2026-11-01T10:00:00Z", "materializationIntervals":
            [{"startTime": "2026-11-01T00:00:00Z", "endTime": "2026-11-22T00:00:00Z"}]}  # fmt: skip
    view = {"name": "customer", "entities": ["customer_id"], "features": [{"name": "spend"}, {"name": "age"}],
            "ttl": "86400s", "online": True, "batchSource": {"name": "orders"}, "tags": {"purpose": "support"}}  # fmt: skip
    service = {
        "name": "scorer",
        "features": [{"featureViewName": "customer", "featureColumns": [{"name": "spend"}]}],
    }
    return {"project": "shop", "featureViews": [{"spec": view, "meta": meta}],
            "featureServices": [{"spec": service, "meta": {}}]}  # fmt: skip


def folder(
    path: Path, files: dict[str, bytes], made: Callable[[Path], Any], expected: set[str], planted: bytes = b""
) -> Folder:
    """A folder with these files."""
    for name, body in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(body)
    return Folder(path, lambda: made(path), lambda: expected, next(iter(files)), planted)


def _register(path: Path) -> Folder:
    return folder(path, {"risks.yaml": RISKS.encode()},
                  lambda at: RegisterCollector(path=at, registers=("risk",), clock=Clock()), {"r1", "r2"})  # fmt: skip


def _ocsf(path: Path) -> Folder:
    body = json.dumps([finding("f1"), finding("f2", "PASS")]).encode()
    return folder(
        path, {"prowler.ocsf.json": body}, lambda at: ocsf_collector(path=at, clock=Clock()), {"f1", "f2"}
    )


def _sarif(path: Path) -> Folder:
    body = json.dumps(sarif(result("g1"), result("g2"))).encode()
    return folder(path, {"codeql.sarif": body}, lambda at: sarif_collector(path=at, clock=Clock()),
                  {"CodeQL/g1", "CodeQL/g2"})  # fmt: skip


def _feast(path: Path) -> Folder:
    return folder(path, {"shop.json": json.dumps(dump()).encode()},
                  lambda at: FeastCollector(registry=at, clock=Clock()), {"shop/customer"})  # fmt: skip


def _fides(path: Path) -> Folder:
    row = {"email": MAIL, "notice_key": "ads", "preference": "opt_out", "created_at": "2026-11-20T10:00:00Z"}
    return folder(path, {"preferences.json": json.dumps([row]).encode()},
                  lambda at: FidesCollector(path=at, key_space="customer", clock=Clock(),
                                            pseudonymise=lambda _, key: pseudonym(SECRET, key)),
                  {pseudonym(SECRET, MAIL)}, MAIL.encode())  # fmt: skip


FILE_SUBJECTS = (
    FileSubject("register", REGISTER, "risk", _register, empty_is_complete=False),
    FileSubject("ocsf", OCSF, "scan_finding", _ocsf),
    FileSubject("sarif", SARIF, "scan_finding", _sarif),
    FileSubject("feast", FEAST, "feature_view", _feast, empty_is_complete=False),
    FileSubject("fides", FIDES, "consent", _fides),
)
