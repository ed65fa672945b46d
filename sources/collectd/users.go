package collectd

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Users are those whose signatures are known and whose datagrams can be
// decrypted. It must be used on one goroutine.
type Users map[string]*user

type user struct {
	mac   hash.Hash    // HMAC-SHA256 by the password
	block cipher.Block // AES-256 by the password's SHA-256
}

// NewUsers makes users of names and passwords.
func NewUsers(passwords map[string]string) Users {
	users := make(Users, len(passwords))
	for name, password := range passwords {
		key := sha256.Sum256([]byte(password))
		block, err := aes.NewCipher(key[:])
		if err != nil {
			panic(err) // only for a key of a wrong length
		}
		users[name] = &user{mac: hmac.New(sha256.New, []byte(password)), block: block}
	}
	return users
}

// authFile is a file of lines "user: password", as collectd's AuthFile. Blank
// lines and lines that begin with # are skipped.
type authFile struct {
	path  string
	every time.Duration // how often to look whether it changed

	looked time.Time
	last   fs.FileInfo
}

// read reads the file. Errors never show a line of it.
func (f *authFile) read() (Users, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("cannot read users: %w", err)
	}
	defer file.Close()
	f.looked = time.Now()
	if f.last, err = file.Stat(); err != nil {
		return nil, fmt.Errorf("cannot read users: %w", err)
	}
	passwords := make(map[string]string)
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimLeft(strings.TrimRight(lines.Text(), "\r\n"), " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		name, password, ok := strings.Cut(line, ":")
		password = strings.TrimLeft(password, " \t")
		if !ok || name == "" || password == "" {
			return nil, fmt.Errorf(`%s:%d: expected "user: password"`, f.path, number)
		}
		passwords[name] = password
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cannot read users from %q: %w", f.path, err)
	}
	return NewUsers(passwords), nil
}

// changed reports whether the file is another than the one that was read. It
// looks once in a while only, and says no in between. A file that is not there
// counts as unchanged: it may be about to be replaced.
func (f *authFile) changed() bool {
	if now := time.Now(); now.Sub(f.looked) < f.every {
		return false
	} else {
		f.looked = now
	}
	info, err := os.Stat(f.path)
	return err == nil && (!os.SameFile(info, f.last) || !info.ModTime().Equal(f.last.ModTime()) || info.Size() != f.last.Size())
}
