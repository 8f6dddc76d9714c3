"""Credentials, identity and clients for reading one AWS account."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from compliance.errors import SourceFailed

SESSION_NAME = "muniment"
UNREACHABLE = (BotoCoreError, ClientError, ValueError)


@dataclass(frozen=True)
class Patience:
    """How long a call may take, in seconds, and how often it is tried in all."""

    connect: float = 5.0
    read: float = 20.0
    attempts: int = 3
    pause: Callable[[float], None] = time.sleep
    """How to wait for something that the source makes on request."""

    def config(self) -> Config:
        """As botocore takes it: standard mode, which backs off and then gives up."""
        return Config(
            connect_timeout=self.connect, read_timeout=self.read,
            retries={"mode": "standard", "total_max_attempts": self.attempts},
            user_agent_extra="muniment", parameter_validation=True,
        )  # fmt: skip


PATIENT = Patience()


@dataclass(frozen=True)
class Place:
    """Where and as whom to read: an endpoint in place of AWS's own, a role to assume."""

    region: str
    endpoint_url: str | None = None
    role_arn: str | None = None
    patience: Patience = PATIENT


@dataclass(frozen=True)
class Account:
    """The account that answered, and as whom it knows the caller."""

    account: str
    caller: str
    session: boto3.session.Session
    place: Place
    clock: Callable[[], datetime]

    @contextmanager
    def client(self, service: str, region: str) -> Iterator[Any]:
        """A client of one service in one region, closed afterwards. Raises SourceFailed."""
        with _client(self.session, service, region, self.place) as client:
            yield client


@contextmanager
def _client(session: boto3.session.Session, service: str, region: str, place: Place) -> Iterator[Any]:
    try:
        client: Any = session.client(
            service, region_name=region, endpoint_url=place.endpoint_url, config=place.patience.config()
        )  # type: ignore[call-overload]  # the stubs want the service as a literal
    except UNREACHABLE as error:
        raise SourceFailed(f"No client for {service} in {region} can be made: {error}.") from error
    try:
        yield client
    finally:
        client.close()


@contextmanager
def plain_client(service: str, place: Place) -> Iterator[Any]:
    """A client with the platform's own credentials, closed afterwards. Raises SourceFailed."""
    with _client(boto3.session.Session(region_name=place.region), service, place.region, place) as client:
        yield client


def open_account(place: Place, clock: Callable[[], datetime]) -> Account:
    """Assume the role, if one is given, and ask who the caller is.

    Raises SourceFailed where no credentials are found, they are refused, or nothing answers.
    """
    session = boto3.session.Session(region_name=place.region)
    if place.role_arn is not None:
        session = _assumed(session, place, place.role_arn)
    said = _asked(session, place, "get_caller_identity", {})
    if not {"Account", "Arn"} <= set(said):
        raise SourceFailed("AWS did not say whose credentials these are: its answer names no account.")
    return Account(said["Account"], said["Arn"], session, place, clock)


def _assumed(session: boto3.session.Session, place: Place, role_arn: str) -> boto3.session.Session:
    said = _asked(session, place, "assume_role", {"RoleArn": role_arn, "RoleSessionName": SESSION_NAME})
    held = said["Credentials"]
    return boto3.session.Session(
        aws_access_key_id=held["AccessKeyId"], aws_secret_access_key=held["SecretAccessKey"],
        aws_session_token=held["SessionToken"], region_name=place.region,
    )  # fmt: skip


def _asked(
    session: boto3.session.Session, place: Place, call: str, parameters: dict[str, str]
) -> dict[str, Any]:
    with _client(session, "sts", place.region, place) as client:
        try:
            said: dict[str, Any] = getattr(client, call)(**parameters)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            message = f"AWS refused sts:{call} with {code} ({status}); check the credentials and the role."
            raise SourceFailed(message) from error
        except (ResponseParserError, LookupError, TypeError) as error:
            raise SourceFailed(f"AWS's answer to sts:{call} cannot be read.") from error
        except BotoCoreError as error:
            raise SourceFailed(f"AWS did not answer sts:{call}: {_plain(error)}.") from error
    return said


def _plain(error: BotoCoreError) -> str:
    """What went wrong, without anything a credential provider may have put into the message."""
    match type(error).__name__:
        case "NoCredentialsError" | "PartialCredentialsError":
            return "no credentials were found in the environment, a profile or the instance"
        case name:
            return name
