// Command bench measures Tocsin's whole paths: bytes on a socket to what a sink
// gets. It prints a table for bench/README.md.
//
//	go run ./bench                 all scenarios
//	go run ./bench -run graphite   those whose name has "graphite" in it
//
// The load generator runs in the same process, on the same cores, so every
// figure includes its cost. What is compared is compared in one run.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"time"
)

// scenario measures one thing and returns the rows of its table.
type scenario struct {
	name string
	goal string
	run  func(r *report) error
}

var scenarios = []scenario{
	{"baseline", "what the machine gives: a bare loop, and loopback", runBaseline},
	{"process", "6 M events/s, graphite bytes to discarded output, 100 k series, 100 rules", runProcess},
	{"graphite", "5 M events/s over loopback TCP at 100 k series, 100 rules", runGraphite},
	{"journal", "what a journal costs: graphite over loopback TCP, 100 rules", runJournal},
	{"store", "what checkpoints cost: throughput, latency at 500 k events/s, and the start from one", runStore},
	{"latency", "p99 from socket to sink under 5 ms at 500 k events/s", runLatency},
	{"idle", "one event at a time: p50 at most 50 µs, p99 at most 120 µs", runIdle},
	{"expiry", "200,000 entries that expire at once delay no event by more than 50 ms", runExpiry},
	{"slow", "fed ten times faster than a rule works: bounded, nothing lost, recovers", runSlow},
	{"standing", "100 rules at 10 Hz over a 1 M entry index: under 5 % of a core", runStanding},
	{"memory", "at most 500 bytes of resident memory per entry at 1 M series", runMemory},
}

// onlySeries restricts the grid, to profile one point of it; 0: all.
var onlySeries int

// seriesGrid is how many series the throughput is measured at.
func seriesGrid() []int {
	if onlySeries > 0 {
		return []int{onlySeries}
	}
	return []int{10_000, 100_000, 1_000_000}
}

func main() {
	only := flag.String("run", "", "run only the scenarios whose name contains `TEXT`")
	here := flag.Bool("here", false, "run in this process, instead of one process for each scenario")
	flag.IntVar(&onlySeries, "series", 0, "with -here, measure throughput at `N` series only")
	profile := flag.String("cpuprofile", "", "with -here, write a processor profile to `FILE`")
	flag.Parse()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // as tocsin itself does
	}
	if !*here {
		fmt.Printf("%s, %d cores, %s\n", runtime.Version(), runtime.NumCPU(), time.Now().UTC().Format("2006-01-02"))
	}
	if *profile != "" {
		file, err := os.Create(*profile)
		if err == nil {
			err = pprof.StartCPUProfile(file)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "bench: cannot profile: %v\n", err)
			os.Exit(2)
		}
		defer pprof.StopCPUProfile()
	}
	failed := false
	for _, s := range scenarios {
		if !strings.Contains(s.name, *only) {
			continue
		}
		if err := s.start(*here); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", s.name, err)
			failed = true
		}
	}
	if failed {
		pprof.StopCPUProfile()
		os.Exit(1)
	}
}

// start runs a scenario in a process of its own, so that none inherits the
// heap of another.
func (s *scenario) start(here bool) error {
	if here {
		r := &report{}
		if err := s.run(r); err != nil {
			return err
		}
		r.print()
		return nil
	}
	fmt.Printf("\n### %s: %s\n\n", s.name, s.goal)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "-here", "-run", s.name)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// report is a table of what was measured.
type report struct {
	rows [][2]string
}

func (r *report) add(what, format string, args ...any) {
	r.rows = append(r.rows, [2]string{what, fmt.Sprintf(format, args...)})
	fmt.Fprintf(os.Stderr, "  %s: %s\n", what, r.rows[len(r.rows)-1][1])
}

func (r *report) print() {
	fmt.Println("| what | measured |")
	fmt.Println("|---|---|")
	for _, row := range r.rows {
		fmt.Printf("| %s | %s |\n", row[0], row[1])
	}
}
