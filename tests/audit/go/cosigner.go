// Judges and makes cosignatures with the Go project's own code for signed notes; the form of cosignature/v1 is written
// here from the specification, and nothing of the bridge is used.
//
// Reads one case a line as JSON, writes one line for each. With a Seed the note is cosigned by that key at Time and
// comes back in Base64; without one the answer is "yes TIME" where the note is cosigned by VKey, else "no" and why.
package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

type question struct {
	VKey string
	Note []byte

	Name string
	Seed []byte
	Time uint64
}

const kind = 0x04

func message(text []byte, moment uint64) []byte {
	return append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", moment)), text...)
}

func keyHash(name string, public []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"), append([]byte{kind}, public...)...))
	return binary.BigEndian.Uint32(sum[:])
}

type cosigner struct {
	name    string
	public  ed25519.PublicKey
	private ed25519.PrivateKey
	moment  uint64
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return keyHash(c.name, c.public) }

func (c *cosigner) Sign(text []byte) ([]byte, error) {
	signature := binary.BigEndian.AppendUint64(nil, c.moment)
	return append(signature, ed25519.Sign(c.private, message(text, c.moment))...), nil
}

func (c *cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	c.moment = binary.BigEndian.Uint64(signature)
	return ed25519.Verify(c.public, message(text, c.moment), signature[8:])
}

func read(vkey string) (*cosigner, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("no vkey")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 33 || key[0] != kind {
		return nil, errors.New("no key of a cosigner")
	}
	known := &cosigner{name: parts[0], public: key[1:]}
	if parts[1] != fmt.Sprintf("%08x", known.KeyHash()) {
		return nil, errors.New("another key hash")
	}
	return known, nil
}

func judge(q question) (uint64, error) {
	known, err := read(q.VKey)
	if err != nil {
		return 0, err
	}
	_, err = note.Open(q.Note, note.VerifierList(known))
	return known.moment, err
}

func cosign(q question) ([]byte, error) {
	text := string(q.Note[:strings.LastIndex(string(q.Note), "\n\n")+1])
	private := ed25519.NewKeyFromSeed(q.Seed)
	signer := &cosigner{q.Name, private.Public().(ed25519.PublicKey), private, q.Time}
	return note.Sign(&note.Note{Text: text}, signer)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			log.Fatal(err)
		}
		if q.Seed != nil {
			signed, err := cosign(q)
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(base64.StdEncoding.EncodeToString(signed))
		} else if moment, err := judge(q); err != nil {
			fmt.Println("no", err)
		} else {
			fmt.Println("yes", moment)
		}
	}
}
