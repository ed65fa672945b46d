package plugins

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds how far back a packed recording may refer: what "zstd
// --long" uses.
const maxWindow = 128 << 20

// unpack returns what in holds: unpacked, if it begins as gzip, zstd or bzip2
// do. It reads as it is read from, without goroutines.
func unpack(in *bufio.Reader) (io.Reader, error) {
	head, err := in.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	var out io.Reader
	err = nil
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		out, err = gzip.NewReader(in)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		out, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	case bytes.HasPrefix(head, []byte("BZh")):
		out = bzip2.NewReader(in)
	default:
		return in, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot unpack recording: %w", err)
	}
	return out, nil
}
