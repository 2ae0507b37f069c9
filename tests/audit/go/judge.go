// Judges what a log says of itself, by the Go project's own code for transparency logs and by nothing of the bridge.
//
// Reads one case a line as JSON, writes one line for each: "yes" where golang.org/x/mod/sumdb accepts it, else "no" and
// why. Hashes, notes and tiles are in Base64. A case that isn't understood ends the program, for it is neither.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	About string // checkpoint, inclusion, consistency, tiles

	VKey string // of whoever has to have signed
	Note []byte

	Size, Old, Index    int64
	Root, OldRoot, Leaf tlog.Hash
	Proof               []tlog.Hash

	Tiles map[string][]byte // by the path that tlog gives them
	Entry []byte            // the entry that has to stand at Index under Root
}

// checkpoint opens the note and reads origin, size and root, which have to be those that are claimed.
func checkpoint(q question) error {
	verifier, err := note.NewVerifier(q.VKey)
	if err != nil {
		return err
	}
	opened, err := note.Open(q.Note, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	// tlog.ParseTree wants the Go project's own origin in the first line; the rest has the same form.
	origin, rest, _ := strings.Cut(opened.Text, "\n")
	if origin != verifier.Name() {
		return errors.New("another origin")
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	if err != nil {
		return err
	}
	if strings.Count(rest, "\n") != 2 || tree.N != q.Size || tree.Hash != q.Root {
		return errors.New("another tree")
	}
	return nil
}

type tiles map[string][]byte

func (tiles) Height() int { return 8 }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	read := make([][]byte, 0, len(wanted))
	for _, tile := range wanted {
		data, there := t[tile.Path()]
		if !there {
			return nil, errors.New("no tile " + tile.Path())
		}
		read = append(read, data)
	}
	return read, nil
}

func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// stored looks an entry up in tiles, and holds every tile on the way against the root.
func stored(q question) error {
	tree := tlog.Tree{N: q.Size, Hash: q.Root}
	reader := tlog.TileHashReader(tree, tiles(q.Tiles))
	proof, err := tlog.ProveRecord(q.Size, q.Index, reader)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, q.Size, q.Root, q.Index, tlog.RecordHash(q.Entry)); err != nil {
		return err
	}
	tile := tlog.TileForIndex(8, tlog.StoredHashIndex(0, q.Index))
	width := q.Size - tile.N<<8
	if width < 1<<8 {
		tile.W = int(width)
	} else {
		tile.W = 1 << 8
	}
	hash, err := tlog.HashFromTile(tile, q.Tiles[tile.Path()], tlog.StoredHashIndex(0, q.Index))
	if err != nil {
		return err
	}
	if hash != tlog.RecordHash(q.Entry) {
		return errors.New("another entry")
	}
	return nil
}

func judge(q question) error {
	switch q.About {
	case "checkpoint":
		return checkpoint(q)
	case "inclusion":
		return tlog.CheckRecord(q.Proof, q.Size, q.Root, q.Index, q.Leaf)
	case "consistency":
		return tlog.CheckTree(q.Proof, q.Size, q.Root, q.Old, q.OldRoot)
	case "tiles":
		return stored(q)
	}
	log.Fatalf("an unknown question: %q", q.About)
	return nil
}

func main() {
	log.SetFlags(0)
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	answers := bufio.NewWriter(os.Stdout)
	defer answers.Flush()
	decoder := json.NewDecoder(lines)
	decoder.DisallowUnknownFields()
	for number := 0; decoder.More(); number++ {
		var q question
		if err := decoder.Decode(&q); err != nil {
			log.Fatalf("question %d: %v", number, err)
		}
		if err := judge(q); err != nil {
			fmt.Fprintln(answers, "no", strconv.Quote(err.Error()))
		} else {
			fmt.Fprintln(answers, "yes")
		}
	}
}
