// Checks what `vouchsafe audit` writes with Go's own packages for checksum databases, which know nothing of Vouchsafe.
//
//	sumdb VKEY FOLDER                   an export: the signature, and each event's proof or the root of all
//	sumdb VKEY OLD-CHECKPOINT PROOF     that a later checkpoint, with its proof, continues an earlier one
//
// It fails, with 1, if anything does not hold.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// head opens a checkpoint and tells the tree that it signs.
func head(signed []byte, key note.Verifier) tlog.Tree {
	opened, err := note.Open(signed, note.VerifierList(key))
	check(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != key.Name() {
		check(errors.New("not a checkpoint of this log"))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	hash, err := tlog.ParseHash(lines[2])
	check(err)
	return tlog.Tree{N: size, Hash: hash}
}

func parse(texts []string) []tlog.Hash {
	hashes := []tlog.Hash{}
	for _, text := range texts {
		hash, err := tlog.ParseHash(text)
		check(err)
		hashes = append(hashes, hash)
	}
	return hashes
}

type event struct {
	Leaf  int64
	Bytes string
}

type proof struct {
	Leaf   int64
	Hashes []string
}

type stored []tlog.Hash

func (s *stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := []tlog.Hash{}
	for _, index := range indexes {
		hashes = append(hashes, (*s)[index])
	}
	return hashes, nil
}

func export(folder string, key note.Verifier) {
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	check(err)
	tree := head(signed, key)
	events, err := os.Open(filepath.Join(folder, "events.jsonl"))
	check(err)
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 1<<20)
	var proofs *json.Decoder
	if file, err := os.Open(filepath.Join(folder, "proofs.jsonl")); err == nil {
		proofs = json.NewDecoder(file)
	}
	hashes, count := stored{}, int64(0)
	for ; lines.Scan(); count++ {
		var line event
		check(json.Unmarshal(lines.Bytes(), &line))
		bytes, err := base64.StdEncoding.DecodeString(line.Bytes)
		check(err)
		if proofs == nil {
			more, err := tlog.StoredHashes(count, bytes, &hashes)
			check(err)
			hashes = append(hashes, more...)
			continue
		}
		var way proof
		check(proofs.Decode(&way))
		check(tlog.CheckRecord(parse(way.Hashes), tree.N, tree.Hash, line.Leaf, tlog.RecordHash(bytes)))
	}
	check(lines.Err())
	if proofs == nil {
		root, err := tlog.TreeHash(count, &hashes)
		check(err)
		if count != tree.N || root != tree.Hash {
			check(errors.New("the events do not give the root"))
		}
	}
	fmt.Println(count)
}

func continues(oldFile, proofFile string, key note.Verifier) {
	signed, err := os.ReadFile(oldFile)
	check(err)
	old := head(signed, key)
	text, err := os.ReadFile(proofFile)
	check(err)
	parts := strings.SplitN(string(text), "\n\n", 2)
	lines := strings.Split(parts[0], "\n")
	if len(parts) != 2 || lines[0] != fmt.Sprintf("old %d", old.N) {
		check(errors.New("not a proof from that checkpoint"))
	}
	tree := head([]byte(parts[1]), key)
	check(tlog.CheckTree(parse(lines[1:]), tree.N, tree.Hash, old.N, old.Hash))
	fmt.Println(tree.N)
}

func main() {
	key, err := note.NewVerifier(os.Args[1])
	check(err)
	if len(os.Args) == 3 {
		export(os.Args[2], key)
	} else {
		continues(os.Args[2], os.Args[3], key)
	}
}
