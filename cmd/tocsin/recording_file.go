package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"tocsin/rules"
)

// recordingFile is a recording that is read.
type recordingFile struct {
	name  string
	close func() error
	size  int64        // in bytes on disk, or in records; 0: not known
	read  atomic.Int64 // of size
	in    io.Reader
	// recording is what the replay reads, which counts.
	recording rules.Recording
}

// openRecordings opens recordings, to be closed by closeRecordings. What is not
// in span may be left out. config, which was loaded with optionalSecret, says how
// topics are read. ctx ends the reading of what may keep us waiting.
func openRecordings(ctx context.Context, p *process, config *rules.Config, names []string, span timeSpan) ([]*recordingFile, error) {
	var files []*recordingFile
	for _, name := range names {
		f, err := openRecording(ctx, p, config, name, span)
		if err != nil {
			return nil, errors.Join(err, closeRecordings(files))
		}
		files = append(files, f)
	}
	return files, nil
}

func openRecording(ctx context.Context, p *process, config *rules.Config, name string, span timeSpan) (*recordingFile, error) {
	if strings.HasPrefix(name, kafkaPrefix) {
		return openKafka(ctx, p, name, span, config)
	}
	if dir, ok := strings.CutPrefix(name, journalPrefix); ok {
		return openJournal(name, dir, span)
	}
	r := &recordingFile{name: name}
	r.recording.In = r
	if name == "-" {
		in, out := io.Pipe()
		r.in, r.close = in, in.Close
		context.AfterFunc(ctx, func() { in.Close() })
		// Nothing ends a Read of the standard input, so this is not waited for.
		go func() {
			_, err := io.Copy(out, p.in)
			out.CloseWithError(err)
		}()
		return r, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot open recording: %w", err)
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		r.size = info.Size()
	}
	r.in, r.close = f, f.Close
	return r, nil
}

// Read implements io.Reader.
func (r *recordingFile) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	r.read.Add(int64(n))
	return n, err
}

// optionalSecret is what rules are loaded with to read recordings: only how
// brokers are reached takes a secret, so the others need no value.
func optionalSecret(name string) (string, bool) {
	value, _ := rules.EnvironmentSecret(name)
	return value, true
}

func closeRecordings(files []*recordingFile) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}

// recordings are what a rules.Replay reads.
func recordings(files []*recordingFile) (out []*rules.Recording) {
	for _, f := range files {
		out = append(out, &f.recording)
	}
	return out
}

// reportSkipped tells what made no event.
func reportSkipped(p *process, files []*recordingFile) {
	for _, f := range files {
		if r := &f.recording; r.Skipped > 0 {
			p.complain(fmt.Errorf("%s of the recording %q made no event; the first: %w", counted(r.Skipped, "piece"), f.name, r.FirstSkipped))
		}
	}
}

// brokenOff says which recordings were not read to their end.
func brokenOff(files []*recordingFile) error {
	var errs []error
	for _, f := range files {
		if err := f.recording.Err; err != nil {
			errs = append(errs, fmt.Errorf("cannot replay %q to the end: %w", f.name, err))
		}
	}
	return errors.Join(errs...)
}
