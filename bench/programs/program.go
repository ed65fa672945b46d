//go:build real

// Package programs runs the real programs that the tests tagged "real" hold
// Tocsin against: collectd, carbon-cache, carbon-relay and kcat of Debian, and
// Apache Kafka. Each runs
// on loopback, on free ports, in a folder of its test's own, and ends with it.
//
// program.go runs any program; collectd.go, carbon.go and kafka.go know one each,
// and certificate.go makes what TLS needs.
package programs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what should come within a second or
// two. The machine may be busy.
const patience = 60 * time.Second

// Program is a process that ends with its test at the latest. Its methods are
// for the test's goroutine.
type Program struct {
	t     testing.TB
	cmd   *exec.Cmd
	said  output
	ended chan struct{} // closed when it has ended
	err   error         // of its end; read after ended
}

// Start starts a program. If the test fails, the log of the test has what the
// program wrote. When the test's process is killed, so is the program.
func Start(t testing.TB, path string, args ...string) *Program {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: .ci/real-programs installs the programs that these tests need", err)
	}
	p := &Program{t: t, cmd: exec.Command(path, args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// For the kernel the parent is the thread that starts the program: it has to
		// live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("%s says:\n%s", p.name(), p.Output())
		}
	})
	return p
}

func (p *Program) name() string { return filepath.Base(p.cmd.Path) }

// Output returns what the program has written so far, to both outputs.
func (p *Program) Output() string { return p.said.String() }

// AwaitOutput waits until the program has written text.
func (p *Program) AwaitOutput(text string) {
	p.t.Helper()
	p.until("says "+text, func() bool { return strings.Contains(p.Output(), text) })
}

// until is Until for something that the program does.
func (p *Program) until(what string, done func() bool) {
	p.t.Helper()
	Until(p.t, p.name()+" "+what, func() bool {
		if done() {
			return true
		}
		select {
		case <-p.ended:
			p.t.Fatalf("%s has ended: %v", p.name(), p.err)
		default:
		}
		return false
	})
}

// Kill ends the program as kill -9 does, and waits until it is gone.
func (p *Program) Kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// Stop asks the program to end. It has to, with exit code 0, within the given
// time.
func (p *Program) Stop(within time.Duration) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatalf("cannot stop %s: %v", p.name(), err)
	}
	select {
	case <-p.ended:
		if p.err != nil {
			p.t.Errorf("%s was stopped: %v", p.name(), p.err)
		}
	case <-time.After(within):
		p.t.Fatalf("%s has not stopped within %v", p.name(), within)
	}
}

// Until waits until done returns true, which is asked time and again on the
// test's goroutine. The test fails with what when that takes too long.
func Until(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

// Ports below those that Linux gives to connections (ip_local_port_range), or a
// connection could take one before the program that it is for listens.
const lowPort, highPort = 16000, 32768

// Each test program begins somewhere else, and tries no port twice.
var firstPort, triedPorts = rand.IntN(highPort - lowPort), atomic.Int32{}

// Port returns a port of 127.0.0.1 that is free for TCP and UDP.
func Port(t testing.TB) string {
	t.Helper()
	for range 100 {
		port := fmt.Sprint(lowPort + (firstPort+int(triedPorts.Add(1)))%(highPort-lowPort))
		tcp, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		defer tcp.Close()
		if udp, err := net.ListenPacket("udp", "127.0.0.1:"+port); err == nil {
			udp.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// writeFile writes a file of a program's configuration.
func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// output takes what a program writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
