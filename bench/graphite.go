package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"tocsin/engine"
)

// graphiteLines makes one line for each series, in an order unlike that of
// their making, cut into pieces of about 64 KiB.
func graphiteLines(series int) (pieces [][]byte, size int) {
	order := rand.New(rand.NewPCG(1, 2)).Perm(series)
	at := strconv.FormatInt(time.Now().Unix(), 10)
	var piece []byte
	for n, i := range order {
		piece = append(piece, graphiteName(i)...)
		piece = append(piece, ' ')
		piece = strconv.AppendFloat(piece, float64(n%1000)/8, 'f', -1, 64)
		piece = append(append(append(piece, ' '), at...), '\n')
		if len(piece) > 64<<10 || n == series-1 {
			pieces = append(pieces, piece)
			size += len(piece)
			piece = nil
		}
	}
	return pieces, size
}

// feedTCP writes the pieces round and round until stop is closed, and returns
// how many whole rounds it wrote.
func feedTCP(addr string, pieces [][]byte, stop <-chan struct{}) (rounds int, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	for {
		for _, piece := range pieces {
			if _, err := conn.Write(piece); err != nil {
				return rounds, err
			}
		}
		rounds++
		select {
		case <-stop:
			return rounds, nil
		default:
		}
	}
}

// speed is what a path was measured to do.
type speed struct {
	perSecond float64
	// cost is the processor's time per event, of all threads. It is less
	// disturbed by what else the machine does.
	cost time.Duration
}

func (s speed) String() string {
	return fmt.Sprintf("%.2f M events/s, %d ns of processor each", s.perSecond/1e6, s.cost.Nanoseconds())
}

// throughput warms up with two rounds and then counts what the engine takes in
// while feeding goes on.
func throughput(r *rig, series int, span time.Duration, feed func(stop <-chan struct{}) error) (speed, error) {
	stop := make(chan struct{})
	failed := make(chan error, 1)
	var wait sync.WaitGroup
	wait.Go(func() { failed <- feed(stop) })
	for r.events() < int64(2*series) {
		select {
		case err := <-failed:
			return speed{}, fmt.Errorf("the feeder stopped: %w", err)
		case <-time.After(time.Millisecond):
		}
	}
	before, start, cpu := r.events(), time.Now(), cpuTime()
	<-time.After(span)
	n := r.events() - before
	s := speed{float64(n) / time.Since(start).Seconds(), (cpuTime() - cpu) / time.Duration(max(n, 1))}
	close(stop)
	wait.Wait()
	return s, <-failed
}

func measureTCP(series, ruleCount int, k kept) (speed, error) {
	r, err := newKeptRig(gridRules(ruleCount), true, nil, k)
	if err != nil {
		return speed{}, err
	}
	defer r.close()
	pieces, _ := graphiteLines(series)
	return throughput(r, series, 3*time.Second, func(stop <-chan struct{}) error {
		_, err := feedTCP(r.addr, pieces, stop)
		return err
	})
}

func runGraphite(rep *report) error {
	type point struct{ series, rules int }
	got := map[point]speed{}
	for range 2 { // the better of two: the machine is shared
		for _, series := range seriesGrid() {
			for _, rules := range []int{10, 100, 10_000} {
				s, err := measureTCP(series, rules, kept{})
				if err != nil {
					return err
				}
				if at := (point{series, rules}); s.perSecond > got[at].perSecond {
					got[at] = s
				}
				runtime.GC()
			}
		}
	}
	for _, series := range seriesGrid() {
		for _, rules := range []int{10, 100, 10_000} {
			rep.add(fmt.Sprintf("%d series, %d rules", series, rules), "%v", got[point{series, rules}])
		}
	}
	ratio := func(what string, a, b point) {
		rep.add(what, "%.2f × the time, %.2f × the processor", got[a].perSecond/got[b].perSecond, float64(got[b].cost)/float64(got[a].cost))
	}
	ratio("cost of 10,000 rules against 10 (100 k series)", point{100_000, 10}, point{100_000, 10_000})
	ratio("cost of 100 k series against 10 k (100 rules)", point{10_000, 100}, point{100_000, 100})
	return nil
}

// runProcess leaves the socket out: bytes are decoded on one core and served on
// the other.
func runProcess(rep *report) error {
	for _, series := range seriesGrid() {
		r, err := newRig(gridRules(100), false, nil)
		if err != nil {
			return err
		}
		pieces, _ := graphiteLines(series)
		rate, err := throughput(r, series, 3*time.Second, func(stop <-chan struct{}) error {
			for {
				select {
				case <-stop:
					return nil
				default:
				}
				lines := &repeated{pieces: pieces, left: 10}
				if err := r.source.(decoder).Decode(r.ctx, lines, r.input); err != nil {
					return err
				}
			}
		})
		if err != nil {
			return err
		}
		rep.add(fmt.Sprintf("%d series, 100 rules", series), "%v", rate)
		r.close()
	}
	return nil
}

// decoder is the part of the graphite source that needs no socket.
type decoder interface {
	Decode(context.Context, io.Reader, engine.Input) error
}

// repeated reads the pieces as often as left says.
type repeated struct {
	pieces [][]byte
	left   int
	at     int
	piece  bytes.Reader
}

func (r *repeated) Read(p []byte) (int, error) {
	for r.piece.Len() == 0 {
		if r.at == len(r.pieces) {
			r.at = 0
			r.left--
		}
		if r.left <= 0 {
			return 0, io.EOF
		}
		r.piece.Reset(r.pieces[r.at])
		r.at++
	}
	return r.piece.Read(p)
}

// runBaseline measures what no program could beat here: writing to and reading
// from a loopback socket, and parsing and counting in a bare loop.
func runBaseline(rep *report) error {
	pieces, size := graphiteLines(100_000)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	read := make(chan int64, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			read <- 0
			return
		}
		n, _ := io.Copy(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{conn})
		read <- n
	}()
	stop := make(chan struct{})
	start := time.Now()
	time.AfterFunc(2*time.Second, func() { close(stop) })
	if _, err := feedTCP(listener.Addr().String(), pieces, stop); err != nil {
		return err
	}
	bytesRead := <-read
	perLine := float64(size) / 100_000
	rep.add("loopback socket", "%.1f M lines/s (%.0f bytes each)", float64(bytesRead)/perLine/time.Since(start).Seconds()/1e6, perLine)

	// The bare loop: find the name, parse the value, update one map entry.
	index := map[string]*float64{}
	lines := 0
	start = time.Now()
	for time.Since(start) < 2*time.Second {
		for _, piece := range pieces {
			for len(piece) > 0 {
				end := bytes.IndexByte(piece, '\n')
				line := piece[:end]
				piece = piece[end+1:]
				name, rest, _ := bytes.Cut(line, []byte{' '})
				value, _, _ := bytes.Cut(rest, []byte{' '})
				f, _ := strconv.ParseFloat(string(value), 64)
				if at := index[string(name)]; at != nil {
					*at = f
				} else {
					index[string(name)] = &f
				}
				lines++
			}
		}
	}
	rep.add("bare loop, parse and update a map, 100 k series", "%.1f M lines/s", float64(lines)/time.Since(start).Seconds()/1e6)
	return nil
}

// quantile returns a quantile of sorted or unsorted durations.
func quantile(d []time.Duration, q float64) time.Duration {
	slices.Sort(d)
	return d[min(int(q*float64(len(d))), len(d)-1)]
}
