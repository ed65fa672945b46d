//go:build real

package programs

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestRealProgramsEndWithTheirTest: no program outlives a test that is killed.
func TestRealProgramsEndWithTheirTest(t *testing.T) {
	const asChild = "TOCSIN_TEST_AS_CHILD"
	if os.Getenv(asChild) != "" {
		p := Start(t, "/usr/bin/sleep", "600")
		fmt.Printf("\nstarted %d\n", p.cmd.Process.Pid)
		<-p.ended
		return
	}
	child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	child.Env = append(os.Environ(), asChild+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		_, _ = fmt.Sscanf(lines.Text(), "started %d", &pid)
	}
	if pid == 0 || !runs(pid) {
		t.Error("the program does not run")
	}
	child.Process.Kill()
	_ = child.Wait()
	Until(t, "the program ends with its test", func() bool { return !runs(pid) })
}

// runs tells whether a process is there, and no zombie.
func runs(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && !strings.Contains(string(status), "State:\tZ")
}
