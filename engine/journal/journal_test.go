package journal

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tocsin/engine"
)

// TestMark: a batch that holds no events is kept if it is a mark, alone in its
// group or not.
func TestMark(t *testing.T) {
	r := newRig(t, t.TempDir(), Options{})
	mark := func(position uint64) {
		served := at(position, engine.Time(position)*second)
		served.Mark = true
		r.journal.Append(r.batch(position, 0, 0), served)
	}
	mark(1)
	r.append(2, 2*second, 2)
	mark(3)
	mark(4)
	r.close()
	var got []uint64
	var now []engine.Time
	o := ReadOptions{Identities: engine.NewIdentities(100), Bad: func(err error) { t.Error(err) }}
	if err := Read(r.dir, o, func(l *engine.Logged) error {
		got, now = append(got, l.Position, uint64(len(l.Events))), append(now, l.Now)
		return nil
	}); err != nil {
		t.Error(err)
	}
	if !slices.Equal(got, []uint64{1, 0, 2, 2, 3, 0, 4, 0}) || !slices.Equal(now, []engine.Time{second, 2 * second, 3 * second, 4 * second}) {
		t.Errorf("read %v at %v", got, now)
	}
	if last := newRig(t, r.dir, Options{}).journal.Last(); last != 4 {
		t.Errorf("the last is %d", last)
	}
}

func TestWhatIsAppendedIsRead(t *testing.T) {
	r := newRig(t, t.TempDir(), Options{})
	for position := range uint64(5) {
		r.append(position+1, engine.Time(position+1)*second, 2)
	}
	if err := <-r.send(5, 5*second, 0); err != nil { // without events
		t.Error(err)
	}
	r.wantRead(ReadOptions{}, r.want(1, 2, 3, 4, 5)) // while it is open
	r.close()
	r.wantRead(ReadOptions{From: 3}, r.want(3, 4, 5))
	r.wantRead(ReadOptions{From: 6}, nil)

	again := newRig(t, r.dir, Options{})
	if again.journal.Last() != 5 {
		t.Errorf("the last is %d", again.journal.Last())
	}
	var got []string
	err := again.journal.Replay(4, engine.NewIdentities(100), func(l *engine.Logged) error {
		got = append(got, shown(l))
		return nil
	})
	if want := r.want(4, 5); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	stop := errors.New("stop")
	if err := again.journal.Replay(1, engine.NewIdentities(100), func(*engine.Logged) error { return stop }); err != stop {
		t.Errorf("got %v", err)
	}
	again.append(6, 6*second, 2)
	r.wantRead(ReadOptions{}, r.want(1, 2, 3, 4, 5, 6))
	if got := files(t, r.dir); len(got) != 1 {
		t.Errorf("files %q", got)
	}
	if n := again.counted("tocsin_journal_events_total"); n != 2 {
		t.Errorf("%d events are counted", n)
	}
}

// TestGroupsShareASync: what comes while the disk is busy is one group.
func TestGroupsShareASync(t *testing.T) {
	r := newRig(t, t.TempDir(), Options{})
	busy, free := make(chan error), make(chan error)
	b := r.batch(1, second, 2)
	b.Done = func(err error) { busy <- err; <-free }
	r.journal.Append(b, at(1, second))
	<-busy
	var done []<-chan error
	for position := uint64(2); position <= 100; position++ {
		done = append(done, r.send(position, second, 512))
	}
	close(free)
	for _, d := range done {
		if err := <-d; err != nil {
			t.Error(err)
		}
	}
	var syncs strings.Builder
	r.set.WritePrometheus(&syncs)
	if !strings.Contains(syncs.String(), "tocsin_journal_sync_seconds_count 2\n") {
		t.Errorf("not two syncs:\n%s", syncs.String())
	}
	batches := 0
	err := Read(r.dir, ReadOptions{Identities: engine.NewIdentities(100_000)}, func(l *engine.Logged) error { batches++; return nil })
	if batches != 100 || err != nil {
		t.Errorf("%d batches, %v", batches, err)
	}
}

func TestOneProcessHasIt(t *testing.T) {
	r := newRig(t, t.TempDir(), Options{})
	if _, err := Open(r.dir, Options{}); err == nil || !strings.Contains(err.Error(), "another process has") {
		t.Errorf("got %v", err)
	}
	r.close()
	newRig(t, r.dir, Options{})
}

func TestNewerVersionIsRefused(t *testing.T) {
	path, data := small(t)
	head := segmentHead{1, second}.append(nil)
	head[len(magic)] = version + 1
	copy(data, withSum(head))
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Dir(path), Options{}); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "version 2, and this program reads 1") {
		t.Errorf("got %v", err)
	}
	if _, _, err := readAll(filepath.Dir(path), ReadOptions{}); !errors.Is(err, ErrNewer) {
		t.Errorf("got %v", err)
	}
	if after, _ := os.ReadFile(path); !slices.Equal(after, data) {
		t.Error("the segment was changed")
	}
}

func TestNoJournalToRead(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir: "there are no segments (*.journal)", file: "is a file", filepath.Join(dir, "none"): "no such file",
	} {
		if _, _, err := readAll(path, ReadOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

// TestSegments: they roll by size and by age, and go when they are old and no
// checkpoint needs them.
func TestSegments(t *testing.T) {
	r := newRig(t, t.TempDir(), Options{Keep: time.Hour, segmentBytes: 1000})
	const age = engine.Time(time.Hour / keepParts)
	add := func(position uint64, now engine.Time, n int, want ...uint64) {
		t.Helper()
		r.append(position, now, n)
		var names []string
		for _, first := range want {
			names = append(names, segmentName(first))
		}
		if got := files(t, r.dir); !slices.Equal(got, names) {
			t.Errorf("files %q, want %q", got, names)
		}
	}
	add(1, 0, 2, 1)
	add(2, age-1, 2, 1)
	add(3, age, 100, 1, 3)         // the first is old
	add(4, age, 2, 1, 3, 4)        // the second is full
	add(5, 100*age, 2, 1, 3, 4, 5) // old enough to go, but no checkpoint has it
	r.journal.Checkpointed(2)
	add(6, 100*age, 2, 3, 4, 5)
	r.journal.Checkpointed(10)
	add(7, 100*age, 2, 4, 5) // what the segment after 4 has is not old
	add(8, 101*age, 2, 4, 5, 8)
	add(9, 125*age-1, 2, 5, 8, 9)
	add(10, 125*age, 2, 8, 9)
	r.close()
	r = newRig(t, r.dir, Options{Keep: time.Hour})
	r.journal.Checkpointed(11)
	add(11, 1000*age, 2, 9, 11)
}

func TestBytesBoundWhatIsKept(t *testing.T) {
	r := newRig(t, t.TempDir(), Options{Bytes: 1500, segmentBytes: 1})
	for position := uint64(1); position <= 20; position++ {
		r.append(position, second, 2)
	}
	if n := len(files(t, r.dir)); n != 20 {
		t.Errorf("%d segments, and no checkpoint has any", n)
	}
	r.journal.Checkpointed(20)
	r.append(21, second, 2)
	if size, err := Size(r.dir); err != nil || size > 1500 || size < 1000 {
		t.Errorf("%d bytes are kept, %v", size, err)
	}
}

// inChild runs the test in a process of its own, where it returns true: a limit
// on files would reach what the test's own process writes.
func inChild(t *testing.T) bool {
	const name = "TOCSIN_TEST_CHILD"
	if os.Getenv(name) != "" {
		return true
	}
	child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	child.Env = append(os.Environ(), name+"="+t.Name())
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

// limitFiles has the kernel refuse to let any file of the process grow beyond
// size bytes, which cuts a write short as a full disk does.
func limitFiles(t *testing.T, size int64) (lift func()) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(size), Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
		signal.Reset(syscall.SIGXFSZ)
	}
}

// TestDiskFillsUp: what cannot be written is told, and leaves nothing behind; what
// comes when there is room again is kept.
func TestDiskFillsUp(t *testing.T) {
	if !inChild(t) {
		return
	}
	r := newRig(t, t.TempDir(), Options{})
	r.append(1, second, 2)
	path := filepath.Join(r.dir, segmentName(1))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, room := range []int{0, 1, blockHeadSize, blockHeadSize + 20} {
		lift := limitFiles(t, int64(len(whole)+room))
		err := <-r.send(uint64(2+i), second, 2)
		lift()
		if !errors.Is(err, ErrNotKept) || !errors.Is(err, syscall.EFBIG) {
			t.Errorf("got %v", err)
		}
		if now, _ := os.ReadFile(path); !slices.Equal(now, whole) {
			t.Errorf("room for %d bytes: the segment has %d bytes, before %d", room, len(now), len(whole))
		}
	}
	r.append(6, 6*second, 2)
	r.wantRead(ReadOptions{}, append(r.want(1), r.want(6)...), "4 batches are missing, from 2 to 5")
	if len(r.told) != 1 || !strings.Contains(r.told[0], "tocsin journal: the journal fails, 2 events are not kept") {
		t.Errorf("told %q", r.told)
	}
	if n := r.counted("tocsin_journal_unkept_events_total"); n != 8 {
		t.Errorf("%d events are counted", n)
	}
	r.close()
	if !strings.Contains(r.log.String(), "journal works again") || strings.Count(r.log.String(), "level=ERROR") != 1 {
		t.Errorf("logged %s", r.log.String())
	}
}

// TestNewSegmentOnAFullDisk: it is tried again with the next group.
func TestNewSegmentOnAFullDisk(t *testing.T) {
	if !inChild(t) {
		return
	}
	r := newRig(t, t.TempDir(), Options{})
	lift := limitFiles(t, 10)
	err := <-r.send(1, second, 2)
	lift()
	if !errors.Is(err, ErrNotKept) || len(files(t, r.dir)) > 0 {
		t.Errorf("got %v, and %q", err, files(t, r.dir))
	}
	r.append(2, 2*second, 2)
	r.wantRead(ReadOptions{}, r.want(2))
}

// TestTimesLeaveOutBlocks: what is outside of the range is not read, but for the
// first block behind it.
func TestTimesLeaveOutBlocks(t *testing.T) {
	r := newRig(t, t.TempDir(), Options{segmentBytes: 1})
	for position := range uint64(6) {
		r.append(position+1, engine.Time(position+1)*second, 2)
	}
	since, until := 3*second, 4*second
	var passed int64
	o := ReadOptions{Since: &since, Until: &until, Passed: func(n int64) { passed += n }}
	r.wantRead(o, r.want(3, 4, 5)) // 4 begins before 4 s
	if size, err := Size(r.dir); err != nil || passed != size {
		t.Errorf("%d of %d bytes were passed, %v", passed, size, err)
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	var b block
	var out []byte
	r := newRig(t, t.TempDir(), Options{})
	events := r.batch(1, second, 512).Events
	encode := func() {
		b.add("graphite", at(1, second), events)
		out = b.appendTo(out[:0])
	}
	encode()
	if n := testing.AllocsPerRun(10, encode); n > 0 {
		t.Errorf("%v allocations for a batch", n)
	}
}

// TestSegmentAfterEmptyBatch: a new segment is named by the first batch that is in
// it, also when one without events is before that in its group.
func TestSegmentAfterEmptyBatch(t *testing.T) {
	r := newRig(t, t.TempDir(), Options{Keep: time.Minute})
	r.append(1, second, 2)
	busy, free := make(chan error), make(chan error)
	b := r.batch(1, second, 0)
	b.Done = func(err error) { busy <- err; <-free }
	r.journal.Append(b, at(1, second))
	<-busy
	later := 3600 * second
	empty, full := r.send(1, later, 0), r.send(2, later, 2) // one group
	close(free)
	if err := <-empty; err != nil {
		t.Error(err)
	}
	if err := <-full; err != nil {
		t.Error(err)
	}
	if got, want := files(t, r.dir), []string{segmentName(1), segmentName(2)}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

// TestLongEventsLeaveNothingBehind: the memory that a batch of very long events
// took is given back.
func TestLongEventsLeaveNothingBehind(t *testing.T) {
	r := newRig(t, t.TempDir(), Options{})
	b := r.batch(1, second, 40)
	for i := range b.Events {
		b.Events[i].SetDescription(strings.Repeat("x", 1<<20))
	}
	done := make(chan error, 1)
	b.Done = func(err error) { done <- err }
	r.journal.Append(b, at(1, second))
	if err := <-done; err != nil {
		t.Error(err)
	}
	r.close()
	if n := cap(r.journal.block.payload) + cap(r.journal.out); n > 4*blockBytes+2*groupBytes {
		t.Errorf("%d bytes are kept", n)
	}
}
