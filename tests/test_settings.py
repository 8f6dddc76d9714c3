"""Settings: environment first, then muniment.toml; wrong ones are named; secrets stay out of entries."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from compliance.errors import InputRefused, NotFound
from compliance.keyspaces import KeySpaces
from compliance.settings import interval, load_settings

SECRET = "00112233445566778899aabbccddeeff"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings are read from the working folder, here an empty one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_file_is_read_and_the_environment_wins(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """muniment.toml in the working folder is read; MUNIMENT_… overrides it."""
    (empty_folder / "muniment.toml").write_text(
        'home = "elsewhere"\n[[sources]]\nname = "kms"\nkind = "aws-kms"\nregions = ["eu-central-1"]\nschedule = "15m"\n'
    )
    assert load_settings().home == Path("elsewhere")
    assert load_settings().source("kms") is not None
    monkeypatch.setenv("MUNIMENT_HOME", "mine")
    assert load_settings().home == Path("mine")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('hoem = "x"', "hoem"),
        ('[[sources]]\nname = "a"\nkind = "aws-kmss"', "sources.0.kind"),
        ('[[sources]]\nname = "a"\nkind = "push"\n[[sources]]\nname = "a"\nkind = "push"', "twice"),
        ('[[sources]]\nname = "api"\nkind = "push"', "api"),
        ("home = ", "muniment.toml"),
        ('[[scope.exclusions]]\nrequirement = "soc2:A1.1"\nreason = ""\napprover = "x"', "reason"),
    ],
)
def test_a_wrong_setting_is_named(empty_folder: Path, text: str, named: str) -> None:
    """An unknown setting, a wrong kind, a name given twice, a broken file: refused, naming it."""
    (empty_folder / "muniment.toml").write_text(text)
    with pytest.raises(InputRefused, match=named):
        load_settings()


def test_configuration_that_is_judged_holds_no_secret(empty_folder: Path) -> None:
    """What is appended of the configuration names key ids and sources, and no secret, path or URL."""
    (empty_folder / "token").write_text("hush")
    (empty_folder / "muniment.toml").write_text(
        f'[key_spaces.customer]\nsecret = "{SECRET}"\n'
        '[[sources]]\nname = "m"\nkind = "mlflow"\nurl = "http://registry.internal"\ntoken_file = "token"\n'
    )
    settings = load_settings()
    stated = str(settings.judged_configuration(KeySpaces.from_settings(settings.key_spaces).key_ids()))
    assert "customer" in stated
    for hidden in (SECRET, "hush", "registry.internal", "token_file"):
        assert hidden not in stated


def test_a_secret_may_lie_in_a_file(empty_folder: Path) -> None:
    """secret_file is read; older secrets are still asked, behind the current one."""
    (empty_folder / "new").write_text(SECRET + "\n")
    (empty_folder / "old").write_text("ff" * 16)
    settings = load_settings(
        key_spaces={"customer": {"secret_file": "new", "older_secret_files": ["old"]}},
    )
    spaces = KeySpaces.from_settings(settings.key_spaces)
    held = spaces.pseudonyms("customer", "C-1")
    assert [name for name, _ in held] == spaces.key_ids()["customer"]
    assert held[0][1] == spaces.pseudonym("customer", "C-1")
    assert len({value for _, value in held}) == 2


@pytest.mark.parametrize(
    "part",
    [
        {},
        {"secret_file": "absent"},
        {"secret": "zz"},
        {"secret": "00ff"},
        {"secret": SECRET, "secret_file": "x"},
    ],
)
def test_a_secret_that_cannot_be_used_is_fatal(part: dict[str, str]) -> None:
    """A set but unreadable, short, malformed or doubled secret is refused at start, without echoing it."""
    settings = load_settings(key_spaces={"customer": part})
    with pytest.raises(InputRefused, match="customer") as refused:
        KeySpaces.from_settings(settings.key_spaces)
    assert SECRET not in refused.value.message


def test_an_unknown_key_space_is_named_with_those_that_are_known() -> None:
    """Asking under a key space that is not configured says which ones are."""
    spaces = KeySpaces({"customer": (bytes.fromhex(SECRET),)})
    with pytest.raises(NotFound, match="customer"):
        spaces.pseudonym("patient", "1")


def test_intervals_are_a_number_and_a_unit() -> None:
    """15m, 6h, 1d are intervals; a cron expression is none."""
    assert interval("15m") == timedelta(minutes=15)
    assert interval("1d") == timedelta(days=1)
    assert interval("*/5 * * * *", or_none=True) is None
    with pytest.raises(InputRefused):
        interval("0m")
