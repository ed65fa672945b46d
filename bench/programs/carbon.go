//go:build real

package programs

import (
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
)

// carbonConfig has what carbon-cache and carbon-relay share.
const carbonConfig = `
[%[1]s]
STORAGE_DIR = %[2]s
LOCAL_DATA_DIR = %[2]s/whisper
CONF_DIR = %[2]s
LOG_DIR = %[2]s
PID_DIR = %[2]s
USER =
ENABLE_TAGS = False
CARBON_METRIC_INTERVAL = 0
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = %[3]s
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = 0
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = 0
MAX_CREATES_PER_MINUTE = inf
MAX_UPDATES_PER_SECOND = inf
LOG_CREATES = False
LOG_UPDATES = False
`

// StartCarbonRelay starts a carbon-relay that takes lines on a port and sends
// all of them to destination, a port too, in protocol "pickle" or "line". What
// does not fit into its queue is lost.
func StartCarbonRelay(t testing.TB, port, destination, protocol string) *Program {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "relay-rules.conf"), "[all]\ndefault = true\ndestinations = 127.0.0.1:"+destination+"\n")
	return startCarbon(t, dir, "relay", port, fmt.Sprintf(`
DESTINATIONS = 127.0.0.1:%s
DESTINATION_PROTOCOL = %s
MAX_QUEUE_SIZE = 100000
`, destination, protocol))
}

// CarbonCache is a carbon-cache that keeps one value a second for an hour.
type CarbonCache struct {
	*Program
	dir string
}

// StartCarbonCache starts a carbon-cache that takes lines on a port and keeps
// values in dir, as one that ran there before did.
func StartCarbonCache(t testing.TB, dir, port string) *CarbonCache {
	t.Helper()
	return &CarbonCache{startCarbon(t, dir, "cache", port, ""), dir}
}

func startCarbon(t testing.TB, dir, kind, port, more string) *Program {
	t.Helper()
	path := filepath.Join(dir, "carbon.conf")
	writeFile(t, filepath.Join(dir, "storage-schemas.conf"), "[all]\npattern = .*\nretentions = 1s:1h\n")
	writeFile(t, path, fmt.Sprintf(carbonConfig, kind, dir, port)+more)
	p := Start(t, "/usr/bin/carbon-"+kind, "--config="+path, "--pidfile="+filepath.Join(dir, "pid"), "--nodaemon", "start")
	p.until("opens port "+port, func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
	return p
}

// CarbonPoint is one value that is kept.
type CarbonPoint struct {
	Name    string
	Seconds int64 // since 1970
	Value   float64
}

// dump prints all the values of all files below a folder, by the library
// that carbon writes them with, as JSON: [[name, seconds, value], …]. A file
// that carbon is just making cannot be read yet.
const dump = `
import json, pathlib, sys, whisper
root, out = pathlib.Path(sys.argv[1]), []
for path in sorted(root.rglob("*.wsp")):
    name = ".".join(path.relative_to(root).with_suffix("").parts)
    try:
        (start, end, step), values = whisper.fetch(str(path), 0)
    except Exception:
        continue
    out += [(name, start + i * step, v) for i, v in enumerate(values) if v is not None]
print(json.dumps(out))
`

// Points returns what is in the cache's files, in the order of names and
// times. What it has only in memory is not there yet.
func (c *CarbonCache) Points() []CarbonPoint {
	c.t.Helper()
	text, err := exec.Command("/usr/bin/python3", "-c", dump, filepath.Join(c.dir, "whisper")).CombinedOutput()
	if err != nil {
		c.t.Fatalf("cannot read the files of carbon: %v\n%s", err, text)
	}
	var rows [][3]any
	if err := json.Unmarshal(text, &rows); err != nil {
		c.t.Fatal(err)
	}
	out := make([]CarbonPoint, len(rows))
	for i, row := range rows {
		out[i] = CarbonPoint{row[0].(string), int64(row[1].(float64)), row[2].(float64)}
	}
	return out
}
