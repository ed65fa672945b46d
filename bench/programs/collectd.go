//go:build real

package programs

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// collectdConfig has what every collectd of a test has: a few plugins that
// measure, a socket for values that the test chooses, and files with all the
// values that went to its outputs. One thread writes, for several change the
// order of the values.
const collectdConfig = `
Hostname "real.example.net"
FQDNLookup false
BaseDir "%[1]s"
PIDFile "%[1]s/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
Interval 0.5
WriteThreads 1
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File STDOUT
</Plugin>
LoadPlugin cpu
LoadPlugin load
LoadPlugin memory
LoadPlugin interface
LoadPlugin unixsock
<Plugin unixsock>
  SocketFile "%[1]s/sock"
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "%[1]s/csv"
  StoreRates false
</Plugin>
`

// Collectd is a collectd that measures this machine twice a second.
type Collectd struct {
	*Program
	dir     string
	conn    net.Conn // to its socket
	replies *bufio.Reader
}

// StartCollectd starts a collectd with some more configuration: where it
// sends its values. It returns when the collectd takes commands.
func StartCollectd(t testing.TB, config string) *Collectd {
	t.Helper()
	c := &Collectd{dir: t.TempDir()}
	path := filepath.Join(c.dir, "collectd.conf")
	writeFile(t, path, fmt.Sprintf(collectdConfig, c.dir)+config+"\n")
	c.Program = Start(t, "/usr/sbin/collectd", "-f", "-C", path)
	c.AwaitOutput("Initialization complete") // what it gets before does not reach all plugins
	c.until("opens its socket", func() bool {
		var err error
		c.conn, err = net.Dial("unix", filepath.Join(c.dir, "sock"))
		return err == nil
	})
	t.Cleanup(func() { c.conn.Close() })
	c.replies = bufio.NewReader(c.conn)
	return c
}

// Command runs a command of collectd-unixsock(5), which has to succeed.
func (c *Collectd) Command(format string, args ...any) {
	c.t.Helper()
	line := fmt.Sprintf(format, args...)
	c.conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintln(c.conn, line)
	if reply, err := c.replies.ReadString('\n'); err != nil || !strings.HasPrefix(reply, "0 ") {
		c.t.Fatalf("%s: %q, %v", line, reply, err)
	}
}

// Put hands in the values of one series, such as "0.5:1.5:2.5" of
// "host/plugin-instance/type-instance". A value that is not newer than the
// last one of its series is dropped by collectd.
func (c *Collectd) Put(series string, seconds float64, values string) {
	c.t.Helper()
	c.Command(`PUTVAL "%s" interval=10 %.3f:%s`, series, seconds, values)
}

// Flush has collectd send at once what it has collected to send together.
func (c *Collectd) Flush() {
	c.t.Helper()
	c.Command("FLUSH")
}

// Stop ends collectd, which sends and writes what it still holds.
func (c *Collectd) Stop() {
	c.t.Helper()
	c.Program.Stop(patience)
}

// CollectdValue is one value as collectd's csv plugin wrote it, with six
// digits after the point.
type CollectdValue struct {
	// Host, Plugin and Type are the parts of the name; Plugin and Type with
	// their instances, as "cpu-0".
	Host, Plugin, Type string
	// Source is the name of the data source, one of Sources.
	Source  string
	Sources int
	Seconds float64 // since 1970, with three digits after the point
	Metric  float64 // may be NaN
}

// Series returns the name that collectd gives the series of the value.
func (v CollectdValue) Series() string { return v.Host + "/" + v.Plugin + "/" + v.Type }

// Values returns all the values that collectd had, those of each series in
// order. They are complete after Stop.
func (c *Collectd) Values() []CollectdValue {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(c.dir, "csv/*/*/*"))
	if err != nil || len(files) == 0 {
		c.t.Fatalf("collectd has written no values: %v", err)
	}
	var out []CollectdValue
	for _, path := range files {
		values, err := readCSV(path)
		if err != nil {
			c.t.Fatal(err)
		}
		out = append(out, values...)
	}
	return out
}

// readCSV reads a file HOST/PLUGIN/TYPE-2006-01-02, which has a head of
// "epoch,NAME,…".
func readCSV(path string) ([]CollectdValue, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	plugin, file := filepath.Split(path)
	host, plugin := filepath.Split(filepath.Clean(plugin))
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	names := strings.Split(lines[0], ",")[1:]
	var out []CollectdValue
	for _, line := range lines[1:] {
		columns := strings.Split(line, ",")
		if len(columns) != len(names)+1 {
			return nil, fmt.Errorf("%s: %d columns in %q", path, len(columns), line)
		}
		seconds, err := strconv.ParseFloat(columns[0], 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for i, column := range columns[1:] {
			metric, err := strconv.ParseFloat(column, 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			out = append(out, CollectdValue{
				Host: filepath.Base(host), Plugin: plugin, Type: file[:len(file)-len("-2006-01-02")],
				Source: names[i], Sources: len(names), Seconds: seconds, Metric: metric,
			})
		}
	}
	return out, nil
}
