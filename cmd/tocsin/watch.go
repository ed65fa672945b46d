package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// watchInterval is the least time between two looks at the files.
const watchInterval = 300 * time.Millisecond

// watchedFiles is the state of the files that tests, or a configuration, depend
// on. It belongs to those who read them until it is awaited.
type watchedFiles struct {
	paths []string
	seen  map[string]fileState
}

// fileState tells whether a file has changed.
type fileState struct {
	size    int64
	changed time.Time
}

// newWatchedFiles notes the .lua files in the folders of paths, and beside the
// files in paths.
func newWatchedFiles(paths []string) *watchedFiles {
	w := &watchedFiles{paths: paths}
	w.seen = w.look()
	return w
}

// read notes a file that is about to be read, wherever it is.
func (w *watchedFiles) read(path string) {
	if _, ok := w.seen[path]; !ok {
		w.seen[path] = stateOf(path)
	}
}

// look returns the state of all files as it is now.
func (w *watchedFiles) look() map[string]fileState {
	now := make(map[string]fileState)
	for path := range w.seen {
		now[path] = stateOf(path)
	}
	for _, path := range w.paths {
		info, err := os.Stat(path)
		if err == nil && info.IsDir() {
			w.lookInto(now, path)
			continue
		}
		beside, _ := filepath.Glob(filepath.Join(escapeGlob(filepath.Dir(path)), "*.lua"))
		for _, file := range append(beside, filepath.Clean(path)) {
			now[file] = stateOf(file)
		}
	}
	return now
}

// lookInto looks at the .lua files below a folder. What cannot be read is not
// there.
func (w *watchedFiles) lookInto(now map[string]fileState, folder string) {
	filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil
		case entry.IsDir() && path != folder && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case !entry.IsDir() && strings.HasSuffix(path, ".lua"):
			path = filepath.Clean(path)
			now[path] = stateOf(path)
		}
		return nil
	})
}

// stateOf returns the state of a file; the zero one when it is not there.
func stateOf(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	return fileState{info.Size(), info.ModTime()}
}

var globSpecial = regexp.MustCompile(`[*?\[\\]`)

func escapeGlob(path string) string { return globSpecial.ReplaceAllString(path, `\$0`) }

// awaitChange waits until a file has changed and no other one is changing any
// more, and returns its path; "" when stop gives something first. It looks at the
// files now and then, and spends a tenth of the time on it at most.
func awaitChange[T any](w *watchedFiles, stop <-chan T) (changed string) {
	before, wait := w.seen, watchInterval
	for {
		select {
		case <-stop:
			return ""
		case <-time.After(wait):
		}
		began := time.Now()
		now := w.look()
		wait = max(watchInterval, 9*time.Since(began))
		if changed != "" && maps.Equal(now, before) {
			return changed
		}
		if path := firstChanged(w.seen, now); path != "" {
			changed = path
		}
		before = now
	}
}

// firstChanged returns the first path whose state differs, or "".
func firstChanged(a, b map[string]fileState) (first string) {
	for _, m := range []map[string]fileState{a, b} {
		for path := range m {
			if a[path] != b[path] && (first == "" || path < first) {
				first = path
			}
		}
	}
	return first
}
