"""Where tiles lie, what they hold, and how a growing tree fills them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.errors import InputRefused
from compliance.merkle import leaf_hash, root_of
from compliance.tiles import (
    ENTRIES,
    WIDTH,
    Edge,
    Tile,
    Tip,
    bundle,
    hashes_of,
    rightmost,
    unbundle,
    width_at,
)


@pytest.mark.parametrize(("tile", "path"), [
    (Tile(0, 0), "tile/0/000"), (Tile(1, 999, 8), "tile/1/999.p/8"), (Tile(0, 1000), "tile/0/x001/000"),
    (Tile(0, 1234067), "tile/0/x001/x234/067"), (Tile(ENTRIES, 1234067, 255), "tile/entries/x001/x234/067.p/255"),
    (Tile(63, 10**15), "tile/63/x001/x000/x000/x000/x000/000"),
])  # fmt: skip
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    """Numbers are grouped by three digits, all but the last behind an x; partial tiles end in .p/W."""
    assert tile.path == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize("path", [
    "", "checkpoint", "tile/0/0", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/001/000", "tile/0/x000/001",
    "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/../000", "tile/0/000/", "/tile/0/000",
    "tile/0/000\n", "tile/Entries/000", "tile/0/\u0660\u0660\u0660",
])  # fmt: skip
def test_other_paths_name_no_tile(path: str) -> None:
    """What the specification would write differently, or not at all, is no tile's path."""
    assert Tile.parse(path) is None


@given(st.integers(0, 63), st.integers(0, 10**9), st.integers(1, WIDTH))
def test_paths_are_read_back(level: int, number: int, width: int) -> None:
    """Every tile's path names that tile."""
    assert Tile.parse(Tile(level, number, width).path) == Tile(level, number, width)


def test_example_of_the_specification() -> None:
    """A tree of 70,000 has 273 full tiles at level 0 and partial ones of widths 112, 17 and 1."""
    assert list(rightmost(70_000)) == [
        Tile(ENTRIES, 273, 112),
        Tile(0, 273, 112),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert list(rightmost(256)) == [Tile(1, 0, 1)]
    assert not list(rightmost(0))
    assert [width_at(Tile(0, number), 70_000) for number in (272, 273, 274)] == [256, 112, 0]


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_entry_bundles_are_read_back(leaves: list[bytes]) -> None:
    """Entries survive the encoding, empty ones included."""
    assert unbundle(bundle(leaves)) == leaves


@pytest.mark.parametrize("body", [b"\x00", b"\x00\x02a", b"\x00\x01ab"])
def test_cut_entry_bundles_are_refused(body: bytes) -> None:
    """A bundle that ends within an entry or its length is refused."""
    with pytest.raises(InputRefused, match="ends within"):
        unbundle(body)


def test_cut_tiles_are_refused() -> None:
    """A tile holds whole hashes."""
    assert hashes_of(bytes(64)) == [bytes(32)] * 2
    with pytest.raises(InputRefused, match="no whole number"):
        hashes_of(bytes(63))


@settings(max_examples=25)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=6))
def test_a_tip_grown_in_any_batches_has_the_files_of_its_size(batches: list[int]) -> None:
    """However appends are grouped, tiles and bundles hold the tree's hashes and entries, and the root is right."""
    tip, files, leaves = Tip.at(0, []), dict[Tile, bytes](), list[bytes]()
    for batch in batches:
        new = [b"%d" % number for number in range(len(leaves), len(leaves) + batch)]
        before = set(files)
        grown = tip.extend(new)
        assert before.isdisjoint(grown), "a published file is never written again"
        leaves, files = leaves + new, files | grown
        assert set(rightmost(len(leaves))) <= set(files)
        assert tip.edge.root() == root_of([leaf_hash(leaf) for leaf in leaves])
    for tile, body in files.items():
        start = tile.number * WIDTH
        if tile.level == ENTRIES:
            assert unbundle(body) == leaves[start : start + tile.width]
        elif tile.level == 0:
            assert hashes_of(body) == [leaf_hash(leaf) for leaf in leaves[start : start + tile.width]]
        else:
            full = [files[Tile(tile.level - 1, start + at)] for at in range(tile.width)]
            assert hashes_of(body) == [root_of(hashes_of(below)) for below in full]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000])
def test_an_edge_is_taken_up_from_its_rows(size: int) -> None:
    """From its rows alone the edge has the same root, and appends as the grown one does."""
    grown = Edge(0, [], [])
    for number in range(size):
        list(grown.append(leaf_hash(b"%d" % number)))
    taken_up = Edge.at(size, grown.rows)
    assert taken_up.root() == grown.root()
    assert list(taken_up.append(bytes(32))) == list(grown.append(bytes(32)))
    assert taken_up == grown


def test_an_edge_with_rows_of_the_wrong_width_is_refused() -> None:
    """Rows that do not belong to the size are refused, missing and superfluous ones alike."""
    for size, rows in (
        (1, []),
        (1, [[]]),
        (0, [[bytes(32)]]),
        (256, [[], []]),
        (3, [[bytes(32)] * 3, [bytes(32)]]),
    ):
        with pytest.raises(InputRefused, match="edge has"):
            Edge.at(size, rows)


def test_a_copy_grows_alone() -> None:
    """Growing a copy leaves the original as it was, so that a failed commit can be dropped."""
    tip = Tip.at(0, [])
    tip.extend([b"a"])
    copy = tip.copy()
    copy.extend([b"b"] * 300)
    assert tip.edge.size == 1
    assert tip.edge.root() == leaf_hash(b"a")


def test_an_oversized_entry_is_refused() -> None:
    """An entry longer than 16 bits can say is refused."""
    with pytest.raises(InputRefused, match="at most 65535"):
        Tip.at(0, []).extend([bytes(65_536)])
