"""Builds the sample organisation and serves it, with the systems around it."""

from __future__ import annotations

import logging
import secrets
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from pydantic_settings import PydanticBaseSettingsSource, SettingsConfigDict

from compliance.errors import InputRefused
from compliance.sample import Program
from compliance.sample import story as days
from compliance.sample.clock import Story, simulated_time
from compliance.sample.datasets import CARD, REGION
from compliance.sample.estate import Estate, service_models_read_once
from compliance.sample.people import FORGOTTEN, IN_ORDER, WITHDRAWN
from compliance.sample.registry import ModelRegistry
from compliance.sample.sending import BUILDER, Sender, listening
from compliance.settings import (
    Accepts,
    EvidenceSettings,
    ExclusionSettings,
    KeySpaceSettings,
    ScopeSettings,
    Settings,
    SourceSettings,
)
from compliance.store import SAMPLE_SUFFIX, Store
from web.sessions import create_sign_in_link

ORIGIN = "meridian-bank.example" + SAMPLE_SUFFIX
PERSONS = {
    "auditor": "Ana Duarte",
    "dpo": "Denis Moreau",
    "engineer": "Chiara Lindqvist",
    "admin": "Ben Osei",
}
LINKS_HOLD = timedelta(days=1)
KEY_SPACES = ("customer", CARD)
AROUND = "bank"
"""Folder of what belongs to the bank rather than to the store: secrets of key spaces, the deletion log, registers, scans."""
SECRET_BYTES = 32
SENT_AT_ONCE = 4
BEFORE_THE_END = timedelta(seconds=90)
"""The story leaves so much of the last minutes untold, since the simulated clock ticks while it is told."""


class SampleSettings(Settings):
    """The settings of the sample: what is written here, whatever the environment and ``muniment.toml`` say."""

    model_config = SettingsConfigDict(toml_file=None)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[Settings],  # type: ignore[override]
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The arguments alone."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


class SampleOrganisation:
    """The built sample, open, with the stand-ins that its collectors read."""

    def __init__(self, store: Store, program: Program, around: ExitStack) -> None:
        self.home = store.settings.home
        self.store = store
        self.served = program.serve(store)
        self._around = around

    def welcome(self, base_url: str) -> str:
        """A sign-in link for each role, and what to try."""
        lines = ["", "Sign in (each link opens a session of its own; sample data only):"]
        for role, person in PERSONS.items():
            secret = create_sign_in_link(
                self.store, person=person, role=role, created_by=BUILDER, valid_for=LINKS_HOLD, reusable=True
            )
            lines.append(f"  {role:9}{base_url.rstrip('/')}/sign-in?link={secret}")
        return "\n".join([*lines, "", *_to_try(), ""])

    def serve(self, host: str, port: int) -> None:
        """Serve it, collectors included, until interrupted."""
        self.served.run(host, port)

    def close(self) -> None:
        """Let go of the store and stop the systems around it."""
        self._around.close()


def _to_try() -> list[str]:
    return [
        "Try, as dpo, the records of three customers (key space: customer):",
        f"  {IN_ORDER}  every use in order; the one gap is a source that fell silent: ask as of a week ago, and there is none",
        f"  {WITHDRAWN}  used for marketing after consent was withdrawn, and an answer with a gap",
        f"  {FORGOTTEN}  erased, and back again out of a backup",
    ]


def build(home: Path, *, started_at: datetime, program: Program) -> SampleOrganisation:
    """Build the sample organisation; see ``compliance.sample.build_sample``.

    1. Remove an older sample; make the folder of the bank.
    2. Start the stand-ins: AWS as it had become before the story, and the model registry.
    3. Create the store at the start of the story.
    4. Tell the story, day by day.
    5. Back on the machine's clock, hand over the open store.
    """
    home = home.resolve()
    _remove_older(home)  # 1
    bank = home / AROUND
    for folder in ("deletion-log", "registers", "scans"):
        (bank / folder).mkdir(parents=True)
    told = Story(started_at - BEFORE_THE_END)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with ExitStack() as around:
        with simulated_time(told.at(-700)) as time, service_models_read_once():
            estate = Estate()  # 2
            around.callback(estate.close)
            days.before(time, told, estate)
            registry = ModelRegistry()
            registry.start()
            around.callback(registry.stop)
            time.move_to(told.start)
            store = program.create_store(_settings(home, bank, estate, registry))  # 3
            around.callback(store.close)
            sample = SampleOrganisation(store, program, around)
            with (
                listening(sample.served.app) as url,
                httpx.Client(base_url=url, timeout=60) as client,
                ThreadPoolExecutor(SENT_AT_ONCE) as pool,
            ):
                scene = days.Bank(
                    told, time, estate, registry, Sender(store, client, pool), bank,
                    lambda name: program.collect(store, name),
                )  # fmt: skip
                days.begin(scene, store.library_of(store.library_digest(store.log.size)))
                days.tell(scene)  # 4
        _leave_settings(home)
        sample._around = around.pop_all()  # noqa: SLF001 (from here on they close with the sample)
    return sample  # 5


def _remove_older(home: Path) -> None:
    """Remove an older sample, and nothing else. Raises InputRefused where the folder holds something else."""
    if not home.exists() or not any(home.iterdir()):
        return
    checkpoint = home / "log" / "checkpoint"
    if not (checkpoint.is_file() and checkpoint.read_text().split("\n", 1)[0].endswith(SAMPLE_SUFFIX)):
        raise InputRefused(
            f"{home} holds something other than a sample organisation; it is left alone.", field="home"
        )
    shutil.rmtree(home)


def _settings(home: Path, bank: Path, estate: Estate, registry: ModelRegistry) -> Settings:
    return SampleSettings(
        home=home, evidence=EvidenceSettings(origin=ORIGIN), sources=_sources(bank, estate, registry),
        key_spaces={name: KeySpaceSettings(secret_file=_secret(bank / f"{name}.key")) for name in KEY_SPACES},
        scope=ScopeSettings(
            frameworks=("gdpr", "hipaa", "pci-dss-4.0.1", "soc2", "eu-ai-act"), roles=("provider", "deployer", "service-provider"),
            elected=("soc2:C", "soc2:PI", "soc2:P"), exclusions=_EXCLUSIONS,
        ),
    )  # fmt: skip


_EXCLUSIONS = tuple(
    ExclusionSettings(requirement=f"pci-dss-4.0.1:{appendix}", reason=reason, approver="chief risk officer")
    for appendix, reason in (
        ("A1", "Meridian hosts no other merchants or service providers"),
        ("A2", "No terminal of Meridian speaks SSL or early TLS"),
        ("A3", "No card scheme has named Meridian a designated entity"),
    )
)


def _leave_settings(home: Path) -> None:
    """What the command line needs to answer from the sample, while it is served too."""
    lines = [
        "# For `muniment` called in this folder: status, findings, lookup, report, verify.",
        'home = "."',
    ]
    for name in KEY_SPACES:
        lines += ["", f"[key_spaces.{name}]", f'secret_file = "{AROUND}/{name}.key"']
    (home / "muniment.toml").write_text("\n".join(lines) + "\n")


def _secret(path: Path) -> Path:
    path.touch(mode=0o600)
    path.write_text(secrets.token_hex(SECRET_BYTES))
    return path


def _sources(bank: Path, estate: Estate, registry: ModelRegistry) -> tuple[SourceSettings, ...]:
    return (
        SourceSettings(name="aws-iam", kind="aws-iam", schedule="1d", region=REGION, endpoint_url=estate.url),
        SourceSettings(
            name="aws-kms", kind="aws-kms", schedule="1d", regions=(REGION,), endpoint_url=estate.url
        ),
        SourceSettings(name="mlflow", kind="mlflow", schedule="1d", url=registry.url),
        SourceSettings(name="deletion-log", kind="deletion-log", schedule="1d", path=bank / "deletion-log"),
        SourceSettings(name="registers", kind="register", schedule="1d", path=bank / "registers"),
        SourceSettings(name="prowler", kind="ocsf", schedule="1d", path=bank / "scans"),
        _pushed("airflow-cards", "30h", "lineage", "members"),
        _pushed("airflow-marketing", "30h", "lineage", "members"),
        _pushed("card-bureau", "30h", "members"),
        _pushed("assistant-index", "30h", "lineage", "members"),
        _pushed("assistant-centre", "30h", "decisions"),
        _pushed("assistant-branch", "30h", "decisions"),
        _pushed("consent-desk", "14d", "consents"),
        _pushed("data-office", "90d", "contracts", "purposes"),
    )


def _pushed(name: str, every: str, *accepts: Accepts) -> SourceSettings:
    return SourceSettings(name=name, kind="push", expect_every=every, accepts=accepts)
