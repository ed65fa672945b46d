package plugins

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"tocsin/engine"
)

// Recording is a format of recorded events that replay and tests read.
type Recording struct {
	// Name is that of the kind of source whose input it records; "json" has none.
	Name string
	// Sniff tells by the first bytes, up to SniffLen of them, whether data is in
	// the format.
	Sniff func(head []byte) bool
	// Read reads events until the end. It returns an error only when it cannot
	// go on; what makes no event is told to Skipped.
	Read func(r io.Reader, env RecordingEnv) error
}

// RecordingEnv is what a recording is read with.
type RecordingEnv struct {
	// Identities is the table that the events' identities are made in.
	Identities *engine.Identities
	// Source is the source of the recording's kind that the configuration has,
	// whose options say what names mean; nil when there is none, or several.
	Source engine.Source
	// Emit takes each event, which has no time when the recording has none. The
	// reader stops at its error and returns it. Only during the call does the
	// event belong to Emit.
	Emit func(*engine.Event) error
	// Skipped is told why something makes no event.
	Skipped func(error)
	// From is told by a recording of several sources which of them the next events
	// come from. They have the tags and the ttl that it gave them.
	From func(source string)
}

// SniffLen is how many bytes Sniff is given, when there are so many.
const SniffLen = 4096

var recordings = map[string]Recording{
	"json": {Name: "json", Sniff: isJSONLines, Read: readJSONLines},
}

// RegisterRecording adds a format, from an init function.
func RegisterRecording(r Recording) {
	if sealed.Load() {
		panic("plugins: recording " + r.Name + " is registered too late")
	}
	if _, ok := recordings[r.Name]; ok {
		panic("plugins: recording " + r.Name + " is registered twice")
	}
	recordings[r.Name] = r
}

// readSize is how much of a recording is read at once.
const readSize = 256 << 10

// SniffRecording returns the format of what in holds, which may be packed by
// gzip, zstd or bzip2, and what to read instead of in.
func SniffRecording(in io.Reader) (Recording, io.Reader, error) {
	sealed.Store(true)
	packed := bufio.NewReaderSize(in, readSize)
	unpacked, err := unpack(packed)
	if err != nil {
		return Recording{}, nil, err
	}
	buffered := packed
	if unpacked != packed {
		buffered = bufio.NewReaderSize(unpacked, readSize)
	}
	head, err := buffered.Peek(SniffLen)
	if err != nil && err != io.EOF {
		return Recording{}, nil, err
	}
	names := slices.Sorted(maps.Keys(recordings))
	for _, name := range names {
		if r := recordings[name]; r.Sniff(head) {
			return r, buffered, nil
		}
	}
	return Recording{}, nil, fmt.Errorf("not a recording of any known format: %v", names)
}

func isJSONLines(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n\ufeff")
	return len(head) == 0 || head[0] == '{'
}

// readJSONLines reads one event per line.
func readJSONLines(in io.Reader, env RecordingEnv) error {
	r := bufio.NewReaderSize(in, 64<<10)
	decoder := engine.NewJSONDecoder(env.Identities, engine.NewNames())
	var e engine.Event // one for all, since Emit makes it escape
	for n := 1; ; n++ {
		line, err := readLine(r)
		if errors.Is(err, errLongLine) {
			env.Skipped(fmt.Errorf("line %d: %w", n, err))
			continue
		}
		if err != nil && (err != io.EOF || len(line) == 0) {
			if err == io.EOF {
				err = nil
			}
			return err
		}
		line = bytes.TrimPrefix(bytes.TrimSpace(line), []byte("\ufeff"))
		if len(line) == 0 {
			continue
		}
		if e, err = decoder.Decode(line); err != nil && !errors.Is(err, engine.ErrTooManyIdentities) {
			env.Skipped(fmt.Errorf("line %d: %w", n, err))
			continue
		}
		if err := env.Emit(&e); err != nil {
			return err
		}
	}
}

var errLongLine = fmt.Errorf("longer than %d bytes", engine.MaxJSONBytes)

// readLine reads one line, of any length: one that is too long is read to its
// end and is an errLongLine.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	line = slices.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		var more []byte
		more, err = r.ReadSlice('\n')
		if len(line) <= engine.MaxJSONBytes {
			line = append(line, more...)
		}
	}
	if len(line) > engine.MaxJSONBytes {
		return nil, errLongLine
	}
	return line, err
}
