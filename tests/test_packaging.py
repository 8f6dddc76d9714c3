"""The wheel: one name, everything in it, in nobody's way."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.canonical import pseudonym

ROOT = Path(__file__).resolve().parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
METADATA = f"muniment-{VERSION}.dist-info"
PACKAGES = ("collectors", "compliance", "controls", "reports", "web")
FOREIGN = ("web", "reports", "compliance")
"""Names that other distributions put into site-packages."""


def run(
    *arguments: str, path: Path | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """A process of this interpreter that sees `path` first and not this checkout's working folder."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MUNIMENT_"))
    }
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        text=True,
        capture_output=True,
        env=environment,
        cwd=cwd,
        timeout=120,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without asking the network."""
    target = tmp_path_factory.mktemp("wheel")
    built = run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT))
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = target.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> frozenset[str]:
    """Every path in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return frozenset(archive.namelist())


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site-packages folder with the wheel in it, beside foreign packages of our packages' names."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    for name in FOREIGN:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("FOREIGN = True\n")
    return folder


def outside_the_checkout(site: Path) -> list[str]:
    """Arguments that start Python without the checkout's own .pth, on the packages of this environment."""
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    start = f"import sys; sys.path[1:1] = [{str(site)!r}]; sys.path += {libraries!r}; "
    return ["-S", "-c", start]


def in_site(site: Path, code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run code where the wheel is installed and the checkout is not."""
    *flags, start = outside_the_checkout(site)
    return run(*flags, start + code, cwd=cwd)


def test_the_wheel_brings_one_name(names: frozenset[str]) -> None:
    """The wheel's only top-level names are ``muniment`` and its own metadata."""
    assert {name.split("/")[0] for name in names} == {"muniment", METADATA}


def test_every_tracked_file_of_the_packages_is_in_the_wheel(names: frozenset[str]) -> None:
    """Nothing that lies in the five packages is forgotten: modules, YAML, templates, pictures, migrations."""
    wanted = {
        f"muniment/_app/{path.relative_to(ROOT).as_posix()}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sorted(wanted - names) == []


def test_nothing_else_is_in_the_wheel(names: frozenset[str]) -> None:
    """No compiled file, test, store or secret rides along."""
    own = {"muniment/__init__.py", "muniment/pseudonym.py", "muniment/members.py", "muniment/py.typed"}
    strange = {n for n in names if not n.startswith(tuple(f"muniment/_app/{p}/" for p in PACKAGES))}
    assert {n for n in strange if ".dist-info/" not in n} == own
    assert not [n for n in names if n.endswith((".pyc", ".db", ".toml")) or "__pycache__" in n]


def test_the_wheel_holds_what_is_read_at_run_time(names: frozenset[str]) -> None:
    """Framework lists and the migrations' template are there, not Python alone."""
    assert "muniment/_app/controls/frameworks/gdpr.yaml" in names
    assert "muniment/_app/compliance/migrations/script.py.mako" in names


def test_the_licence_is_in_the_wheel(names: frozenset[str]) -> None:
    """The licence and the notice travel with the metadata."""
    licences = f"{METADATA}/licenses"
    assert {f"{licences}/LICENSE", f"{licences}/NOTICE"} <= names


def test_the_command_is_muniment(wheel: Path) -> None:
    """The one console script is ``muniment``, and it starts the launcher."""
    with zipfile.ZipFile(wheel) as archive:
        stated = archive.read(f"{METADATA}/entry_points.txt").decode()
    assert stated.split() == ["[console_scripts]", "muniment", "=", "muniment:main"]


def test_importing_the_name_does_nothing(site: Path, tmp_path: Path) -> None:
    """``import muniment`` changes no path and loads no package of the program."""
    code = (
        "import os; before = (list(sys.path), dict(os.environ), set(sys.modules)); import muniment;"
        "new = set(sys.modules) - before[2];"
        "assert (sys.path, dict(os.environ)) == before[:2], sys.path;"
        "assert not [name for name in new if name.split('.')[0] in ('compliance', 'web', 'fastapi', 'boto3')], new"
    )
    done = in_site(site, code, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_packages_are_left_alone(site: Path, tmp_path: Path, name: str) -> None:
    """Beside the wheel, another distribution's package of the same name is still the one imported."""
    done = in_site(site, f"import muniment, {name}; assert {name}.FOREIGN", tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_command_finds_its_own_packages(site: Path, tmp_path: Path) -> None:
    """``main()`` runs the program's ``compliance``, not the foreign one, and its help names the commands."""
    done = in_site(site, "import muniment; muniment.main(['--help'])", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "verify" in done.stdout
    assert not list(tmp_path.iterdir())


def test_processes_that_the_command_starts_find_the_packages_too(site: Path, tmp_path: Path) -> None:
    """The folder of the packages is first on the path, here and in ``PYTHONPATH``, once, with what was there."""
    code = (
        "import os, types; from pathlib import Path; import muniment;"
        "os.environ['PYTHONPATH'] = os.pathsep.join(['elsewhere', str(muniment.PROGRAM)]);"
        "sys.modules['compliance.cli'] = types.SimpleNamespace(main=print);"
        "muniment.main(['x']); app = str(muniment.PROGRAM); assert sys.path[0] == app;"
        "assert os.environ['PYTHONPATH'] == os.pathsep.join([app, 'elsewhere']), os.environ['PYTHONPATH']"
    )
    done = in_site(site, code, tmp_path)
    assert (done.returncode, done.stdout) == (0, "['x']\n"), done.stderr


def test_pipelines_import_the_pseudonym_alone(site: Path, tmp_path: Path) -> None:
    """``muniment.pseudonym`` works on a bare interpreter, without any other distribution installed."""
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from muniment.pseudonym import pseudonym; print(pseudonym(b'k' * 16, 'A'))"
    done = run("-I", "-S", "-c", code, cwd=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, pseudonym(b"k" * 16, "A")), done.stderr


def load_shipped_pseudonym() -> ModuleType:
    """``deploy/pseudonym.py`` of this checkout, as pipelines get it."""
    spec = importlib.util.spec_from_file_location("shipped_pseudonym", ROOT / "deploy" / "pseudonym.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@given(secret=st.binary(min_size=16, max_size=64), key=st.text())
def test_pipelines_and_server_agree_on_pseudonyms(secret: bytes, key: str) -> None:
    """What a pipeline computes for a key is what the server computes for it, in every script and normal form."""
    assert load_shipped_pseudonym().pseudonym(secret, key) == pseudonym(secret, key)


def test_the_console_script_works_in_the_checkout() -> None:
    """After ``make setup``, ``.venv/bin/muniment`` runs the checkout's own packages."""
    script = Path(sys.executable).with_name("muniment")
    if not script.exists():
        pytest.skip("the project is not installed here; make setup does it")
    done = subprocess.run([script, "--help"], check=False, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "verify" in done.stdout
