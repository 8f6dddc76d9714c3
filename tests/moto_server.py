"""moto as a server over HTTP on a free loopback port: a stand-in for AWS, spoken to like AWS."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

REGION = "us-east-1"
NO_LIMIT = "inf"


@contextmanager
def moto_server() -> Iterator[str]:
    """The URL of a fresh moto."""
    logging.getLogger("werkzeug").disabled = True
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    try:
        reset(url)
        yield url
    finally:
        reset(url)
        server.stop()


def reset(url: str) -> None:
    """Make moto forget everything."""
    httpx.post(f"{url}/moto-api/reset").raise_for_status()


@contextmanager
def real_denials(url: str) -> Iterator[None]:
    """From here on moto refuses what the caller's policies do not allow."""
    _checked_after(url, "0")
    try:
        yield
    finally:
        _checked_after(url, NO_LIMIT)


def _checked_after(url: str, requests: str) -> None:
    headers = {"Content-Type": "text/plain"}
    httpx.post(f"{url}/moto-api/reset-auth", content=requests, headers=headers).raise_for_status()


ANYBODY = ("testing", "testing")


def use_credentials(monkeypatch: pytest.MonkeyPatch, key: tuple[str, str] = ANYBODY) -> None:
    """What the platform's standard chain will find, and nothing of the machine's own."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key[1])


@contextmanager
def client(service: str, url: str, region: str = REGION) -> Iterator[Any]:
    """A client for setting up what a test wants to find."""
    made: Any = boto3.client(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )  # type: ignore[call-overload]  # the stubs want the service as a literal
    try:
        yield made
    finally:
        made.close()


def user_with(url: str, name: str, *actions: str) -> tuple[str, str]:
    """An IAM user who may do these actions and nothing else: its access key id and secret."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    with client("iam", url) as iam:
        iam.create_user(UserName=name)
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="granted", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]
