"""The page that walks an auditor through one control prints what the commands print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compliance.cli import run

PAGE = Path(__file__).resolve().parents[1] / "docs" / "law-to-evidence.md"
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL)
SHOWN = [part for block in BLOCKS for part in re.split(r"^\$ muniment ", block, flags=re.MULTILINE)[1:]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store, made once."""
    home = tmp_path_factory.mktemp("law") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUNIMENT_HOME", str(home))
        assert run(["init"]) == 0
    return home


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.partition("\n")[0])
def test_the_page_shows_what_the_command_prints(
    shown: str, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each line of the page that is not cut stands in the output, up to where it is cut with …."""
    monkeypatch.setenv("MUNIMENT_HOME", str(store))
    command, *lines = shown.strip().splitlines()
    assert run(command.split()) == 0
    printed = " ".join(capsys.readouterr().out.split())
    for line in lines:
        for part in line.split("…"):
            assert " ".join(part.split()) in printed, line
