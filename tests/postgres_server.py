"""A real PostgreSQL server for tests: one in a test process, and a database of its own for each test.

PostgreSQL refuses to run as root: then it runs as the user that Debian's package made.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from compliance.databases import DatabaseServer
from compliance.postgres import Postgres

BIN = Path("/usr/lib/postgresql")
NEEDS = "needs PostgreSQL, the Debian package postgresql, and as root its user postgres"
STARTS_WITHIN_SECONDS = 60
ENDS_WITH_PARENT = 1
"""``prctl(2)``: PR_SET_PDEATHSIG."""


class Server:
    """A running server. ``owner`` is a superuser, as which databases are made."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], port: int, password: str) -> None:
        self.folder = folder
        self.process = process
        self.port = port
        self.password = password

    def url(self, database: str, *, user: str = "owner", password: str | None = None) -> str:
        """The URL of one of its databases."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def create(self, template: str = "template0") -> str:
        """A new database, a copy of another; returns its name."""
        name = f"t{secrets.token_hex(6)}"
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self.run(made.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    @cached_property
    def migrated(self) -> str:
        """A database with the tables of this program, to be copied."""
        name = self.create()
        DatabaseServer(Postgres.parse(self.url(name))).upgrade()
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self.run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def run(self, statement: sql.Composed, database: str = "postgres") -> None:
        """Execute a statement as the owner."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)


def binaries() -> Path | None:
    """The folder of the newest server that is installed."""
    found = sorted(BIN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    named = shutil.which("initdb")
    return Path(named).parent if named else None


def unprivileged() -> str | None:
    """The user to run as: None is this one. Raises KeyError where this is root and there is no other."""
    return pwd.getpwnam("postgres").pw_name if os.getuid() == 0 else None


def end_with_parent() -> None:
    """A server does not outlive the tests, however they end."""
    ctypes.CDLL(None).prctl(ENDS_WITH_PARENT, signal.SIGINT)


def start(folder: Path, programs: Path, user: str | None) -> Server:
    """Make a cluster in the folder and start a server on it."""
    password = secrets.token_hex(8)
    (folder / "password").write_text(password)
    if user is not None:
        shutil.chown(folder, user)
        shutil.chown(folder / "password", user)
    made = subprocess.run(
        [programs / "initdb", "-D", folder / "data", "-U", "owner", "--auth=scram-sha-256", "--no-sync",
         f"--pwfile={folder / 'password'}", "--encoding=UTF8", "--locale=C.UTF-8"],
        user=user, check=False, capture_output=True, text=True, cwd=folder,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = {
        "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": str(folder), "fsync": "off",
        "full_page_writes": "off", "max_connections": 200, "shared_buffers": "32MB",
    }  # fmt: skip
    process = subprocess.Popen(
        [programs / "postgres", "-D", folder / "data", *(f"--{name}={value}" for name, value in settings.items())],
        user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=end_with_parent,  # noqa: PLW1509 (one call, which takes no lock)
    )  # fmt: skip
    return Server(folder, process, port, password)


def await_ready(server: Server) -> None:
    """Wait until it answers."""
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while True:
        try:
            psycopg.connect(server.url("postgres")).close()
        except psycopg.OperationalError:
            assert server.process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A server that runs until this process of tests ends."""
    programs = binaries()
    try:
        user = unprivileged()
    except KeyError:
        programs = None
    if programs is None:
        pytest.skip(NEEDS)
    # Not below pytest's folder, which only its user may enter; and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="muniment-pg-"))
    server = start(folder, programs, user)
    try:
        await_ready(server)
        yield server
    finally:
        server.process.send_signal(signal.SIGINT)
        server.process.wait(STARTS_WITHIN_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """The URL of a migrated database without a store, which is removed afterwards."""
    name = postgres_server.create(postgres_server.migrated)
    yield postgres_server.url(name)
    postgres_server.drop(name)
