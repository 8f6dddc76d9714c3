// Verifies a log of ours with the note and tlog packages of golang.org/x/mod, which know nothing of it.
//
//	verify_log FOLDER            every entry of the log in FOLDER against its signed checkpoint, by its tiles
//	verify_log proof VKEY LEAF PROOF     one entry against a tlog-proof file
//
// It prints one line and ends with 0 if all of it holds.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(parts ...string) []byte {
	body, err := os.ReadFile(filepath.Join(parts...))
	must(err)
	return body
}

// tree gives the checkpoint of a note that the key signed.
func tree(vkey string, signed []byte) tlog.Tree {
	verifier, err := note.NewVerifier(strings.TrimSpace(vkey))
	must(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		must(fmt.Errorf("the checkpoint is of %s", lines[0]))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	must(err)
	var hash tlog.Hash
	copy(hash[:], root)
	return tlog.Tree{N: size, Hash: hash}
}

type tiles struct{ folder string }

func (t tiles) Height() int                         { return 8 }
func (t tiles) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (t tiles) ReadTiles(all []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range all {
		// tlog writes the height into the path, tlog-tiles leaves it out.
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		body, err := os.ReadFile(filepath.Join(t.folder, path))
		if err != nil {
			return nil, err
		}
		found = append(found, body)
	}
	return found, nil
}

func entries(folder string, size int64) [][]byte {
	var found [][]byte
	for first := int64(0); first < size; first += 256 {
		width := 256
		if size-first < 256 {
			width = int(size - first)
		}
		tile := tlog.Tile{H: 8, L: -1, N: first / 256, W: width}
		path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
		body := read(folder, path)
		for len(body) > 0 {
			length := int(binary.BigEndian.Uint16(body))
			found = append(found, body[2:2+length])
			body = body[2+length:]
		}
	}
	return found
}

func wholeLog(folder string) {
	head := tree(string(read(folder, "vkey")), read(folder, "checkpoint"))
	reader := tlog.TileHashReader(head, tiles{folder})
	all := entries(folder, head.N)
	if int64(len(all)) != head.N {
		must(fmt.Errorf("found %d entries; the checkpoint has %d", len(all), head.N))
	}
	for index, entry := range all {
		proof, err := tlog.ProveRecord(head.N, int64(index), reader)
		must(err)
		must(tlog.CheckRecord(proof, head.N, head.Hash, int64(index), tlog.RecordHash(entry)))
	}
	for old := int64(1); old < head.N; old = old*3 + 1 {
		hash, err := tlog.TreeHash(old, reader)
		must(err)
		proof, err := tlog.ProveTree(head.N, old, reader)
		must(err)
		must(tlog.CheckTree(proof, head.N, head.Hash, old, hash))
	}
	fmt.Printf("verified %d entries\n", head.N)
}

func oneProof(vkey, leaf, path string) {
	head, signed, _ := strings.Cut(string(read(path)), "\n\n")
	lines := strings.Split(head, "\n")
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	must(err)
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		raw, err := base64.StdEncoding.DecodeString(line)
		must(err)
		var hash tlog.Hash
		copy(hash[:], raw)
		proof = append(proof, hash)
	}
	log := tree(vkey, []byte(signed))
	must(tlog.CheckRecord(proof, log.N, log.Hash, index, tlog.RecordHash(read(leaf))))
	fmt.Printf("verified entry %d of %d\n", index, log.N)
}

func main() {
	if len(os.Args) == 5 && os.Args[1] == "proof" {
		oneProof(os.Args[2], os.Args[3], os.Args[4])
		return
	}
	wholeLog(os.Args[1])
}
