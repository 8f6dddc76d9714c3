"""Worlds of AWS for the kit: moto behind a proxy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Any

import pytest

from collectors.aws.session import Patience
from collectors.aws_cloudtrail.collect import CloudTrailCollector
from collectors.aws_kms.collect import KmsCollector
from collectors.aws_s3.collect import S3Collector
from collectors.aws_secretsmanager.collect import SecretsManagerCollector
from compliance.evidence import Collector
from tests.collecting import Clock
from tests.fault_proxy import Asked, FaultProxy, Forward, Reply, Respond
from tests.kit import World
from tests.moto_server import REGION, client, reset

QUICK = Patience(connect=2, read=1.5, attempts=2, pause=lambda _: None)
Opened = Callable[[pytest.FixtureRequest], AbstractContextManager[World]]


def aws(
    service: str, made: Callable[[str], Collector], add: Callable[[Any, int], str], pages: Respond,
    first: Callable[[Any], object] = lambda _: None,
) -> Opened:  # fmt: skip
    """How to open a world of one service: two resources, made by ``add``, which returns what identifies them."""

    @contextmanager
    def opening(request: pytest.FixtureRequest) -> Iterator[World]:
        proxy: FaultProxy = request.getfixturevalue("moto_proxy")
        url: str = request.getfixturevalue("moto")
        numbers, there = count(1), set[str]()

        def one_more() -> None:
            with client(service, url) as api:
                there.add(add(api, next(numbers)))

        def nothing() -> None:
            there.clear()
            reset(url)

        with client("s3", url) as s3:
            first(s3)
        for _ in range(2):
            one_more()
        yield World(proxy, lambda: made(proxy.url), lambda: set(there), one_more, nothing, pages)

    return opening


def json_pages(members: str) -> Respond:
    """The first member on one page, the others on the next."""

    def respond(asked: Asked, forward: Forward) -> Reply:
        body = json.loads(asked.body or b"{}")
        token = body.pop("NextToken", None)
        whole = forward(Asked(asked.method, asked.path, asked.headers, json.dumps(body).encode()))
        said = json.loads(whole.body)
        page = {members: said[members][1:]} if token else {members: said[members][:1], "NextToken": "more"}
        return Reply(200, json.dumps(page).encode(), whole.headers)

    return respond


def bucket_pages(asked: Asked, forward: Forward) -> Reply:
    """S3's listing of buckets with the first on a page of its own."""
    whole = forward(asked)
    buckets = re.findall(rb"<Bucket>.*?</Bucket>", whole.body, re.DOTALL)
    later = "continuation-token" in asked.path
    kept = buckets[1:] if later else buckets[:1]
    more = b"" if later else b"<ContinuationToken>more</ContinuationToken>"
    body = (
        b"<ListAllMyBucketsResult><Buckets>"
        + b"".join(kept)
        + b"</Buckets>"
        + more
        + b"</ListAllMyBucketsResult>"
    )
    return Reply(200, body, {"Content-Type": "application/xml"})


def key_pages(asked: Asked, forward: Forward) -> Reply:
    """KMS's listing of keys with the first on a page of its own."""
    body = json.loads(asked.body or b"{}")
    later = body.pop("Marker", None)
    whole = forward(Asked(asked.method, asked.path, asked.headers, json.dumps(body).encode()))
    keys = json.loads(whole.body)["Keys"]
    page: dict[str, Any] = {"Keys": keys[1:], "Truncated": False}
    if not later:
        page = {"Keys": keys[:1], "Truncated": True, "NextMarker": "more"}
    return Reply(200, json.dumps(page).encode(), whole.headers)


def add_bucket(s3: Any, number: int) -> str:
    """Make a bucket."""
    s3.create_bucket(Bucket=f"bucket-{number}")
    return f"arn:aws:s3:::bucket-{number}"


def add_trail(cloudtrail: Any, number: int) -> str:
    """Make a trail."""
    return str(cloudtrail.create_trail(Name=f"trail-{number}", S3BucketName="trails")["TrailARN"])


def add_secret(secrets: Any, number: int) -> str:
    """Make a secret; its value must never be asked for."""
    return str(secrets.create_secret(Name=f"secret-{number}", SecretString="never-asked-for")["ARN"])


def add_key(kms: Any, _number: int) -> str:
    """Make a key."""
    return str(kms.create_key()["KeyMetadata"]["Arn"])


def s3_collector(url: str) -> Collector:
    """S3, impatient."""
    return S3Collector(region=REGION, endpoint_url=url, clock=Clock(), patience=QUICK)


def cloudtrail_collector(url: str) -> Collector:
    """CloudTrail, impatient."""
    return CloudTrailCollector(region=REGION, endpoint_url=url, clock=Clock(), patience=QUICK)


def secrets_collector(url: str) -> Collector:
    """Secrets Manager, impatient."""
    return SecretsManagerCollector(regions=(REGION,), endpoint_url=url, clock=Clock(), patience=QUICK)


def kms_collector(url: str) -> Collector:
    """KMS, impatient."""
    return KmsCollector(regions=(REGION,), endpoint_url=url, clock=Clock(), patience=QUICK)
