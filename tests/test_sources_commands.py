"""`muniment sources`: what can be read with the rights given, and the least rights that it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.aws_s3.collect import S3Collector
from collectors.aws_secretsmanager.collect import SecretsManagerCollector
from collectors.secrets import without_secrets
from compliance.cli.pulling import MADE, collector
from compliance.cli.rights import policies
from compliance.errors import InputRefused, NotFound
from compliance.settings import SourceKind, SourceSettings
from tests.collecting import Clock, run
from tests.kit_aws import QUICK
from tests.moto_server import REGION, client, real_denials, use_credentials

pytest_plugins = ["tests.aws_fixtures"]
MOTO_CALLS_IT = [
    "s3:GetBucketEncryption", "s3:GetBucketReplication", "s3:GetObjectLockConfiguration", "s3:GetPublicAccessBlock", "s3:ListBucket",
]  # fmt: skip
"""moto asks for the right that is named as the call, where AWS asks for another (Service Authorization Reference, S3)."""
KEY_BEGINS = b"-----%s RSA PRIVATE KEY-----" % b"BEGIN"
ROLE = "arn:aws:iam::123456789012:role/reader"


def source(kind: SourceKind, **options: Any) -> SourceSettings:
    return SourceSettings(name=kind, kind=kind, **options)


# --- the policy ----------------------------------------------------------------------------------


def test_the_policy_is_of_the_configured_sources_only() -> None:
    """Each kind that is configured adds its actions, and no other does; two of a kind add them once."""
    made = policies(
        [source("aws-kms"), source("aws-kms"), source("aws-s3"), source("mlflow", url="http://m")]
    )
    assert list(made) == ["caller"]
    statements = made["caller"]["Statement"]
    assert [one["Sid"] for one in statements] == ["AwsKms", "AwsS3"]
    assert "kms:ListKeys" in statements[0]["Action"]
    assert not any("*" in action for one in statements for action in one["Action"])


def test_a_bucket_of_a_deletion_log_is_named() -> None:
    """What reads one bucket may read no other, and no more of it than the prefix."""
    (listing, reading) = policies([source("deletion-log", bucket="gone", prefix="log/")])["caller"][
        "Statement"
    ]
    assert listing["Resource"] == "arn:aws:s3:::gone"
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["log/*"]}}
    assert (reading["Action"], reading["Resource"]) == (["s3:GetObject"], "arn:aws:s3:::gone/log/*")


def test_a_role_gets_what_is_read_through_it() -> None:
    """The caller may assume the role, and the role may read."""
    made = policies([source("aws-kms", role_arn=ROLE)])
    assert made["caller"]["Statement"][0]["Resource"] == [ROLE]
    assert made["caller"]["Statement"][0]["Action"] == ["sts:AssumeRole"]
    assert made[ROLE]["Statement"][0]["Sid"] == "AwsKms"


def test_without_aws_there_is_no_policy() -> None:
    """Nothing to grant is said, rather than an empty policy printed."""
    with pytest.raises(NotFound, match="No configured source reads AWS"):
        policies([source("mlflow", url="http://m")])


@pytest.fixture
def filled(moto: str) -> Iterator[str]:
    """An account with a bucket and a secret in it."""
    with client("s3", moto) as s3, client("secretsmanager", moto) as secrets:
        s3.create_bucket(Bucket="shop")
        secrets.create_secret(Name="db", SecretString="hush")
        yield moto


def reader(url: str, statements: list[Any]) -> tuple[str, str]:
    """A user who may do what these statements allow."""
    with client("iam", url) as iam:
        iam.create_user(UserName="reader")
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName="reader", PolicyName="least", PolicyDocument=document)
        key = iam.create_access_key(UserName="reader")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def test_the_policy_is_enough(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has exactly these rights sees everything."""
    made = policies([source("aws-s3"), source("aws-secretsmanager")])["caller"]
    called_otherwise = {**made["Statement"][0], "Sid": "Moto", "Action": MOTO_CALLS_IT}
    use_credentials(monkeypatch, reader(filled, [*made["Statement"], called_otherwise]))
    with real_denials(filled):
        s3 = S3Collector(region=REGION, endpoint_url=filled, clock=Clock(), patience=QUICK)
        secrets = SecretsManagerCollector(
            regions=(REGION,), endpoint_url=filled, clock=Clock(), patience=QUICK
        )
        for one in (s3, secrets):
            (coverage,) = run(one).coverages
            assert (coverage.complete, coverage.denied, coverage.got) == (True, (), 1)
            assert all(access.permitted for access in one.check())


def test_a_right_less_is_named_with_what_it_costs(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check names the call that is denied and the fields that stay unknown; the others are still seen."""
    (statement,) = policies([source("aws-secretsmanager")])["caller"]["Statement"]
    actions = [action for action in statement["Action"] if action != "secretsmanager:DescribeSecret"]
    use_credentials(monkeypatch, reader(filled, [{**statement, "Action": actions}]))
    with real_denials(filled):
        made = SecretsManagerCollector(regions=(REGION,), endpoint_url=filled, clock=Clock(), patience=QUICK)
        (refused,) = [access for access in made.check() if not access.permitted]
        (coverage,) = run(made).coverages
    assert refused.request == "secretsmanager:DescribeSecret"
    assert "secret.rotation_enabled" in refused.facts
    assert "secret.policy_principals" not in refused.facts
    assert coverage.denied == ("secretsmanager:DescribeSecret denied (403)",)


# --- options -------------------------------------------------------------------------------------


def test_every_kind_but_the_pushed_one_has_a_collector() -> None:
    """No kind can be configured that nothing collects."""
    kinds = set(SourceKind.__args__)  # type: ignore[attr-defined]  # a Literal has its members
    assert kinds - {"push"} == set(MADE)


class _Store:
    """As much of a store as options are read with."""

    clock = Clock()


@pytest.mark.parametrize(
    ("kind", "option"),
    [("aws-kms", "regions"), ("scim", "url"), ("gitlab", "url"), ("register", "path"), ("feast", "registry"),
     ("ocsf", "path"), ("sarif", "path")],
)  # fmt: skip
def test_an_option_that_is_missing_is_named(kind: SourceKind, option: str) -> None:
    """The refusal names the source, its kind and the option."""
    with pytest.raises(InputRefused, match=f"{kind} of kind {kind} needs {option}") as refusal:
        collector(_Store(), source(kind))  # type: ignore[arg-type]  # nothing of the store is reached
    assert refusal.value.field == f"sources.{kind}.{option}"


@pytest.mark.parametrize("content", ["", "two\nlines", "schlüssel"])
def test_a_token_file_holds_one_line(tmp_path: Path, content: str) -> None:
    """A token that could not be sent as it is, is refused before anything is asked."""
    (tmp_path / "token").write_text(content)
    with pytest.raises(InputRefused, match="one line of printable ASCII"):
        collector(_Store(), source("scim", url="http://s", token_file=tmp_path / "token"))  # type: ignore[arg-type]


# --- secrets -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"runners_token": "GR1348941abcdef", "name": "x"}', b'{"a": "AKIAIOSFODNN7EXAMPLE"}',
        b'{"a": "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB"}', b'{"a": "glpat-0123456789abcdefghij"}',
        b'{"a": "postgresql://shop:hunter2@db/shop"}', b'{"db_password": "hunter2"}',
        b'{"a": "%s\\nMIIE\\n%s"}' % (KEY_BEGINS, KEY_BEGINS.replace(b"BEGIN", b"END")),
        b'{"a": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlaGVyZQ"}',
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_taken_out(body: bytes) -> None:
    """The answer stays JSON, the secret is gone, and it is said in words that something was taken out."""
    kept, told = without_secrets(body)
    assert told
    assert b"[redacted]" in kept
    before, after = json.loads(body), json.loads(kept)
    assert set(before) == set(after)
    assert before != after


@pytest.mark.parametrize(
    "body",
    [
        b'{"NextToken": "abc", "next_page_token": "x", "continuationToken": "y"}', b'{"password_last_used": "2026"}',
        b'{"name": "token-service", "KeyId": "0123"}', b"<NextToken>abc</NextToken>",
    ],
)  # fmt: skip
def test_what_is_none_stays(body: bytes) -> None:
    """Markers of pages and names are no secrets."""
    assert without_secrets(body) == (body, ())
