package collectd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/datagram"
	"tocsin/plugins/valuelist"
)

func init() {
	plugins.RegisterRecording(plugins.Recording{Name: "collectd", Sniff: isRecording, Read: readRecording})
}

// readRecording makes events of recorded datagrams, by the options of the
// configuration's source. A recording was accepted once, so security is not
// asked of it again; signatures are checked when there are passwords.
func readRecording(r io.Reader, env plugins.RecordingEnv) error {
	number := 0
	options := DecoderOptions{
		Identities: env.Identities, TTLFactor: Defaults().TTLFactor,
		Problem: func(p Problem, detail []byte) {
			switch {
			case p == UnknownType: // there is an event all the same
			case len(detail) > 0:
				env.Skipped(fmt.Errorf("datagram %d: %s: %q", number, p, detail))
			default:
				env.Skipped(fmt.Errorf("datagram %d: %s", number, p))
			}
		},
	}
	if s, ok := env.Source.(*Source); ok {
		if err := s.recorded(&options); err != nil {
			return err
		}
	}
	decoder := NewDecoder(options)
	var failed error
	emit := func(b *engine.Batch) *engine.Batch {
		for i := range b.Events {
			if failed == nil {
				failed = env.Emit(&b.Events[i])
			}
		}
		b.Events = b.Events[:0]
		return b
	}
	batch := &engine.Batch{}
	var buf []byte
	for failed == nil {
		number++
		var err error
		if buf, err = readRecord(r, buf); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("datagram %d: %w", number, err)
		}
		batch = emit(decoder.Decode(buf, batch, emit))
	}
	return failed
}

// recorded sets the options that a configuration gives for a recording.
// Passwords may be missing, as they are in tests.
func (s *Source) recorded(o *DecoderOptions) (err error) {
	o.Raw, o.TTLFactor = !s.options.Rates, s.options.TTLFactor
	if o.Types, err = valuelist.ReadTypes(s.dir, s.options.TypesDB); err != nil {
		return err
	}
	if s.authFile != nil {
		o.Users, err = s.authFile.read()
		return err
	}
	passwords := make(map[string]string)
	for name, password := range s.passwords {
		if password.Reveal() != "" {
			passwords[name] = password.Reveal()
		}
	}
	if len(passwords) > 0 {
		o.Users = NewUsers(passwords)
	}
	return nil
}

// readRecord reads the next datagram of a recording: its length as a 32 bit
// number, the most significant byte first, then the datagram itself. It reads
// into buf, grown as needed, and returns the part that it filled. At the end of
// the recording the error is io.EOF; one that ends within a record gives
// io.ErrUnexpectedEOF, wrapped.
func readRecord(r io.Reader, buf []byte) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err == io.EOF {
		return nil, io.EOF
	} else if err != nil {
		return nil, fmt.Errorf("cannot read its length: %w", err)
	}
	size := int(binary.BigEndian.Uint32(head[:]))
	if size > datagram.MaxSize {
		return nil, fmt.Errorf("cannot read a record of %d bytes: a datagram has at most %d", size, datagram.MaxSize)
	}
	if cap(buf) < size {
		buf = make([]byte, size, max(size, 2048))
	}
	buf = buf[:size]
	if _, err := io.ReadFull(r, buf); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("cannot read its %d bytes: %w", size, err)
	}
	return buf, nil
}

// isRecording reports whether a file that begins with head looks like a
// recording of collectd's datagrams.
func isRecording(head []byte) bool {
	if len(head) < 4+headerSize {
		return false
	}
	size := binary.BigEndian.Uint32(head)
	if size < headerSize || size > datagram.MaxSize {
		return false
	}
	kind, length := binary.BigEndian.Uint16(head[4:]), binary.BigEndian.Uint16(head[6:])
	if length <= headerSize || uint32(length) > size {
		return false
	}
	switch kind {
	case partHost, partPlugin, partPluginInstance, partType, partTypeInstance, partMessage:
		return true
	case partTime, partInterval, partTimeHR, partIntervalHR, partSeverity:
		return length == numberSize
	case partSignature:
		return length > signatureSize
	case partEncryption:
		return length > encryptionSize
	}
	return false
}
