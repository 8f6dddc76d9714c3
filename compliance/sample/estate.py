"""Meridian's AWS account, in a stand-in of AWS on the loopback that collectors read over HTTP."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache, partial
from typing import Any
from unittest.mock import patch

import boto3
from botocore.loaders import JSONFileLoader
from moto import settings as moto_settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.iam.models import AccessKeyLastUsed, IAMBackend, iam_backends
from moto.iam.responses import IamResponse
from moto.moto_api._internal import mock_random
from moto.server import ThreadedMotoServer

from compliance.canonical import Json, format_time
from compliance.sample.datasets import REGION

ACCOUNT = "123456789012"
SEED = 20
AWS_VARIABLES = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL",
    "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED",
)  # fmt: skip
NOBODY = "sample"
"""Key and secret of whoever changes the estate, while nobody asks for rights."""
COLLECTOR = "muniment-collector"
RIGHTS = (
    "iam:GetAccountSummary", "iam:GetAccountAuthorizationDetails", "iam:ListRoles", "iam:ListUserTags",
    "iam:GenerateCredentialReport", "iam:GetCredentialReport", "iam:GetAccountPasswordPolicy", "sts:GetCallerIdentity",
    "kms:ListKeys", "kms:DescribeKey", "kms:GetKeyRotationStatus", "kms:GetKeyPolicy", "kms:ListResourceTags",
    "kms:ListAliases",
)  # fmt: skip
"""What the collecting user may call."""

PEOPLE = {
    "a.duarte": "internal-audit", "b.osei": "platform-security", "c.lindqvist": "data-platform",
    "d.moreau": "privacy-office", "e.novak": "ml-platform", "f.okafor": "ai-governance", "g.petrov": "data-platform",
    "h.yamada": "ml-platform", "t.varga": "platform-security",
}  # fmt: skip
"""People with console access, and the team each belongs to."""
PROGRAMS = {"svc-airflow": -25, "svc-feature-store": -40, "svc-model-registry": -12, "svc-card-export": -72}
"""Users of programs, and the day of the story on which the access key of each was made."""
BREAK_GLASS = "break-glass"
ROLES = {
    "platform-administrator": "administration", "airflow-worker": "pipelines", "feature-store": "features",
    "fraud-scoring": "fraud-detection", "churn-training": "marketing", "assistant-retrieval": "customer-support",
    "evidence-reader": "audit", "partner-analytics": "reporting",
}  # fmt: skip
"""Roles and what each is for."""
KEYS = ("core", "cards", "features", "crm", "lake", "desk")
"""Keys that rotate, as ``alias/meridian/NAME``."""
SCHEME_KEY = "card-scheme"
"""An asymmetric key whose public part the card scheme holds; it cannot rotate."""


class Estate:
    """The account, with what changes in it over the story."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._dating = patch.object(IamResponse, "get_credential_report", _dated_credential_report)
        self._dating.start()
        mock_random.seed(SEED)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self._held = {name: os.environ.get(name) for name in AWS_VARIABLES}
        self._keys: dict[str, str] = {}
        self.backend.reset()
        self.iam = self._client("iam")
        self.kms = self._client("kms")

    @property
    def backend(self) -> IAMBackend:
        """The stand-in's own state of IAM, for what no call can set."""
        backend: IAMBackend = iam_backends[ACCOUNT]["aws"]
        return backend

    def close(self) -> None:
        """Stop the stand-in, and give the environment its own variables back."""
        with self.unguarded():
            self.iam.close()
            self.kms.close()
        moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = float("inf")
        self._server.stop()
        self._dating.stop()
        for name, value in self._held.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=NOBODY,
            aws_secret_access_key=NOBODY,
        )  # type: ignore[call-overload]  # the stubs want the service as a literal

    @contextmanager
    def unguarded(self) -> Iterator[None]:
        """Changes of the story are made by nobody in particular; everybody else needs rights."""
        held = moto_settings.INITIAL_NO_AUTH_ACTION_COUNT
        moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = float("inf")
        try:
            yield
        finally:
            moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = held

    # --- how it came to be -------------------------------------------------------------------

    def found_users(self) -> None:
        """People with console access and a second factor each, and an account for emergencies."""
        self.backend.account_summary._account_mfa_enabled = 1  # noqa: SLF001 (no call can set it)
        self.iam.update_account_password_policy(
            MinimumPasswordLength=14,
            PasswordReusePrevention=8,
            MaxPasswordAge=180,
            RequireSymbols=True,
            RequireNumbers=True,
            RequireUppercaseCharacters=True,
            RequireLowercaseCharacters=True,
        )
        self.iam.create_group(GroupName="staff")
        for name, team in {**PEOPLE, BREAK_GLASS: "platform-security"}.items():
            self.iam.create_user(UserName=name, Tags=[{"Key": "owner", "Value": team}])
            self.iam.create_login_profile(UserName=name, Password="correct-Horse-7-battery")  # noqa: S106 (sample)
            self.iam.enable_mfa_device(
                UserName=name, SerialNumber=f"arn:aws:iam::{ACCOUNT}:mfa/{name}",
                AuthenticationCode1="123456", AuthenticationCode2="654321",
            )  # fmt: skip
            self.iam.add_user_to_group(GroupName="staff", UserName=name)

    def found_roles(self) -> None:
        """Roles with an owner and a purpose each."""
        for name, purpose in ROLES.items():
            tags = [{"Key": "owner", "Value": "data-platform"}, {"Key": "purpose", "Value": purpose}]
            self.iam.create_role(
                RoleName=name, AssumeRolePolicyDocument=_trusting(f"arn:aws:iam::{ACCOUNT}:root"), Tags=tags
            )
        self.iam.put_role_policy(
            RoleName="platform-administrator", PolicyName="administration", PolicyDocument=_allowing("*")
        )

    def found_program(self, name: str) -> None:
        """A program with its access key."""
        self.iam.create_user(UserName=name, Tags=[{"Key": "owner", "Value": "data-platform"}])
        self.iam.create_access_key(UserName=name)

    def found_keys(self) -> None:
        """The keys that contracts name, all of them rotating."""
        for name in KEYS:
            roles = (
                ("airflow-worker", "feature-store")
                if name in ("cards", "features", "lake")
                else ("airflow-worker",)
            )
            self._key(name, roles, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
            self.kms.enable_key_rotation(KeyId=self._keys[name])

    def found_scheme_key(self) -> None:
        """The key that cannot rotate."""
        self._key(SCHEME_KEY, ("fraud-scoring",), "ECC_NIST_P256", "SIGN_VERIFY")

    def _key(self, name: str, roles: Sequence[str], spec: str, usage: str) -> None:
        tags = [
            {"TagKey": "owner", "TagValue": "platform-security"},
            {"TagKey": "data-class", "TagValue": "confidential"},
        ]
        made = self.kms.create_key(
            Description=f"Meridian {name}", KeySpec=spec, KeyUsage=usage, Tags=tags, Policy=_key_policy(roles)
        )
        self._keys[name] = made["KeyMetadata"]["KeyId"]
        self.kms.create_alias(AliasName=f"alias/meridian/{name}", TargetKeyId=self._keys[name])

    def admit_collector(self) -> None:
        """The collecting user, and its key where the platform's standard chain finds it. From now on rights count."""
        self.iam.create_user(UserName=COLLECTOR, Tags=[{"Key": "owner", "Value": "internal-audit"}])
        self.grant_collector(RIGHTS)
        key = self.iam.create_access_key(UserName=COLLECTOR)["AccessKey"]
        for name in AWS_VARIABLES:
            os.environ.pop(name, None)
        os.environ |= {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip
        ActionAuthenticatorMixin.request_count = 0
        moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = 0

    # --- what happens to it ------------------------------------------------------------------

    def grant_collector(self, actions: Sequence[str]) -> None:
        """Give the collecting user these rights and no others."""
        self.iam.put_user_policy(UserName=COLLECTOR, PolicyName="read", PolicyDocument=_allowing(*actions))

    def people_work(self, now: datetime) -> None:
        """People sign in, programs call, the administrators' role is assumed."""
        users, roles = self.backend.users, self.backend.roles
        for name in PEOPLE:
            vars(users[name])["password_last_used"] = now
        for name in PROGRAMS:
            for key in users[name].access_keys if name in users else ():
                key.last_used = AccessKeyLastUsed(timestamp=now, service="s3", region=REGION)
        for role in roles.values():
            role.last_used = now

    def stop_rotation(self, name: str) -> None:
        """Somebody turns a key's rotation off."""
        self.kms.disable_key_rotation(KeyId=self._keys[name])

    def open_key(self, name: str) -> None:
        """Somebody opens a key's policy to everybody."""
        self.kms.put_key_policy(KeyId=self._keys[name], PolicyName="default", Policy=_key_policy((), "*"))

    def make_administrator(self, name: str) -> None:
        """Somebody becomes administrator for a night, and loses the second factor to a new telephone."""
        self.iam.put_user_policy(
            UserName=name, PolicyName="temporary-administrator", PolicyDocument=_allowing("*")
        )
        self.iam.deactivate_mfa_device(UserName=name, SerialNumber=f"arn:aws:iam::{ACCOUNT}:mfa/{name}")

    def open_role(self, name: str) -> None:
        """Somebody lets everybody assume a role."""
        self.iam.update_assume_role_policy(RoleName=name, PolicyDocument=_trusting("*"))

    def arn_of_key(self, name: str) -> str:
        """The ARN of a key."""
        return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{self._keys[name]}"


@contextmanager
def service_models_read_once() -> Iterator[None]:
    """Let botocore read each of its service models from disk once, not anew for each of many collections."""
    plainly = JSONFileLoader.load_file
    held = cache(partial(plainly, JSONFileLoader()))
    with patch.object(JSONFileLoader, "load_file", lambda _self, path: held(path)):
        yield


def _dated_credential_report(self: IamResponse) -> ActionResult:
    """State when the report was generated, where the stand-in states a day in 2015."""
    content = self.backend.get_credential_report()
    return ActionResult(
        {"Content": content, "ReportFormat": "text/csv", "GeneratedTime": format_time(utcnow())}
    )


def _document(*statements: Mapping[str, Json]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _allowing(*actions: str) -> str:
    return _document({"Effect": "Allow", "Action": list(actions), "Resource": "*"})


def _trusting(principal: str) -> str:
    return _document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": principal}})


def _key_policy(roles: Sequence[str], *others: str) -> str:
    named = [*(f"arn:aws:iam::{ACCOUNT}:role/{role}" for role in roles), *others]
    account = {
        "Effect": "Allow",
        "Action": "kms:*",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Resource": "*",
    }
    use = {
        "Effect": "Allow",
        "Action": ["kms:Encrypt", "kms:Decrypt"],
        "Principal": {"AWS": named},
        "Resource": "*",
    }
    return _document(account, use)
