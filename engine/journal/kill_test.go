package journal

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"tocsin/engine"
)

// killedIn names the folder in which TestAppendUntilKilled works, in a process
// that TestKill starts.
const killedIn = "TOCSIN_JOURNAL_TEST"

// TestAppendUntilKilled writes the number of each batch that is durable. Outside of
// TestKill it has nothing to do.
func TestAppendUntilKilled(t *testing.T) {
	dir := os.Getenv(killedIn)
	if dir == "" {
		return
	}
	r := newRig(t, dir, Options{segmentBytes: 2000})
	for position := r.journal.Last() + 1; ; position++ {
		r.append(position, engine.Time(position)*second, 2)
		fmt.Println("kept", position)
	}
}

// TestKill kills a process that appends, again and again: what it said to be
// durable is there, and nothing but one batch more.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	kept := uint64(0)
	for run := range 10 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestAppendUntilKilled$")
		cmd.Env = append(os.Environ(), killedIn+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < 5+3*run && lines.Scan(); n++ {
			last, ok := numberIn(lines.Text())
			if !ok {
				t.Fatalf("the process wrote %q", lines.Text())
			}
			kept = last
		}
		_ = cmd.Process.Kill()
		for lines.Scan() { // what it wrote before it was gone
			if last, ok := numberIn(lines.Text()); ok {
				kept = last
			}
		}
		_ = cmd.Wait()

		r := newRig(t, dir, Options{})
		if last := r.journal.Last(); last < kept || last > kept+1 {
			t.Fatalf("run %d: %d batches were kept, but the journal ends with %d", run, kept, last)
		}
		want := uint64(1)
		err = r.journal.Replay(1, engine.NewIdentities(100_000), func(l *engine.Logged) error {
			if l.Position != want || len(l.Events) != 2 {
				t.Errorf("got batch %d of %d events, want %d", l.Position, len(l.Events), want)
			}
			want++
			return nil
		})
		if err != nil || want != r.journal.Last()+1 {
			t.Fatalf("run %d: replayed up to %d of %d, %v", run, want-1, r.journal.Last(), err)
		}
		r.close()
	}
}

func numberIn(line string) (uint64, bool) {
	var text string
	_, err := fmt.Sscanf(line, "kept %s", &text)
	n, numberErr := strconv.ParseUint(text, 10, 64)
	return n, err == nil && numberErr == nil
}
