"""What the tests of IAM share: a collector in a hurry, and the facts of a run by short name."""

from __future__ import annotations

import json
from typing import Any

from collectors.aws.session import Patience
from collectors.aws_iam.collect import IamCollector
from collectors.aws_iam.read import READER
from tests.collecting import Clock, Joined, Ran, facts_of, read
from tests.fault_proxy import Reply
from tests.moto_server import REGION

ACCOUNT = "123456789012"
KIND = "aws-iam/1"
QUICK = Patience(connect=2, read=0.5, attempts=2, pause=lambda _: None)
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
SOMETHING = {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}
EC2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


def policy(*statements: dict[str, Any]) -> str:
    """A policy document of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def collector(url: str, **options: Any) -> IamCollector:
    """A collector that does not wait long."""
    return IamCollector(region=REGION, endpoint_url=url, clock=Clock(), patience=QUICK, **options)


def users(ran: Ran) -> dict[str, Joined]:
    """The users of a run by name."""
    return _by_name(ran, "iam_user")


def roles(ran: Ran) -> dict[str, Joined]:
    """The roles of a run by name."""
    return _by_name(ran, "iam_role")


def _by_name(ran: Ran, fact: str) -> dict[str, Joined]:
    found = facts_of(read(READER, KIND, ran.responses), fact)
    return {arn.rpartition("/")[2]: joined for arn, joined in found.items()}


def account(ran: Ran) -> Joined:
    """The one account of a run."""
    (fact,) = facts_of(read(READER, KIND, ran.responses), "iam_account").values()
    return fact


def error(code: str, status: int) -> Reply:
    """A refusal as the Query protocol states it."""
    inner = f"<Error><Code>{code}</Code><Message>no</Message></Error><RequestId>r</RequestId>"
    return Reply(status, f"<ErrorResponse>{inner}</ErrorResponse>".encode(), {"Content-Type": "text/xml"})
