"""Bundles of content that was erased or has expired: the proofs stay, and the entry that says so comes along."""

from datetime import timedelta
from pathlib import Path

from compliance.bundle import verify_bundle
from compliance.expiring import expire
from compliance.exporting import Wanted, export
from tests import test_keeping
from tests.keeping import ANN, BEGIN, WHO, YEAR, Bench
from tests.test_bundle import by_script

bench = test_keeping.bench


def test_expired_content_is_proven_to_have_been(bench: Bench, tmp_path: Path) -> None:
    """The entry and its proof are there, the payload is not, and the bundle says by which entry it went."""
    old = bench.collected(b"k" * 9000)
    bench.clock.now = BEGIN + 6 * YEAR + timedelta(seconds=1)
    [by] = expire(bench.store, **WHO)
    made = export(bench.answers, bench.answers.basis(), Wanted(ids=(str(old),)), tmp_path / "out")
    assert (made.entries, made.absent) == (2, 1)
    said = f"{old} content expired on 2032-11-27 by entry {by}\n"
    assert (tmp_path / "out" / "payloads" / "GONE").read_text() == said
    assert verify_bundle(tmp_path / "out").problems == ()
    done = by_script(tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"of entry {said}" in done.stdout
    assert "1 payload(s) are not in this bundle" in done.stdout


def test_erased_content_stays_verifiable_as_it_was_sealed(bench: Bench, tmp_path: Path) -> None:
    """The sealed bytes verify though nobody can read them; the bundle says since when."""
    bench.consent(ANN)
    index = next(n for n, entry in bench.store.log.entries(0) if entry.kind == "consents/1")
    bench.erase(ANN)
    export(bench.answers, bench.answers.basis(), Wanted(ids=(str(index),)), tmp_path / "out")
    assert verify_bundle(tmp_path / "out").problems == ()
    done = by_script(tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"of entry {index} content erased on " in done.stdout
