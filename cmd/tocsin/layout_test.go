package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the project's folder.
const root = "../.."

// libraries are the short names that docs/packages.md uses.
var libraries = map[string]string{
	"metrics":    "github.com/VictoriaMetrics/metrics",
	"buntdb":     "github.com/tidwall/buntdb",
	"compress":   "github.com/klauspost/compress",
	"gopher-lua": "github.com/yuin/gopher-lua",
}

// layoutRow is a row of the table in docs/packages.md.
type layoutRow struct {
	pattern   string
	may       []string
	libraries bool // any library of its own
	all       bool
	except    string
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

func layout(t *testing.T) []layoutRow {
	text, err := os.ReadFile(filepath.Join(root, "docs/packages.md"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []layoutRow
	for _, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		row := layoutRow{pattern: codeSpan.FindStringSubmatch(cells[1])[1]}
		may := cells[3]
		if rest, found := strings.CutPrefix(strings.TrimSpace(may), "everything"); found {
			row.all, row.libraries, may = true, true, ""
			if m := codeSpan.FindStringSubmatch(rest); m != nil {
				row.except = m[1]
			}
		}
		for _, m := range codeSpan.FindAllStringSubmatch(may, -1) {
			row.may = append(row.may, m[1])
		}
		row.libraries = row.libraries || strings.Contains(may, "its own libraries")
		for short, full := range libraries {
			if strings.Contains(may, short) {
				row.may = append(row.may, full)
			}
		}
		rows = append(rows, row)
	}
	if len(rows) < 10 {
		t.Fatalf("docs/packages.md has a table of %d rows only", len(rows))
	}
	return rows
}

// TestImports holds the imports of the tree to docs/packages.md.
func TestImports(t *testing.T) {
	rows := layout(t)
	for pkg, files := range goFiles(t) {
		row := rowFor(rows, pkg)
		if row == nil {
			t.Errorf("package %s is not in docs/packages.md", pkg)
			continue
		}
		for _, file := range files {
			for _, imported := range imports(t, file) {
				if !row.allows(imported) && imported != pkg {
					t.Errorf("%s: package %s may not import %q", file, pkg, imported)
				}
			}
		}
	}
}

// rowFor returns the row of a package: its own, or that of a pattern.
func rowFor(rows []layoutRow, pkg string) *layoutRow {
	for _, exact := range []bool{true, false} {
		for i := range rows {
			if matched, _ := path.Match(rows[i].pattern, pkg); matched && (rows[i].pattern == pkg) == exact {
				return &rows[i]
			}
		}
	}
	return nil
}

func (r *layoutRow) allows(imported string) bool {
	own, isOwn := strings.CutPrefix(imported, "tocsin/")
	if r.all {
		excepted, _ := path.Match(r.except, own)
		return !(isOwn && excepted)
	}
	if !isOwn {
		return r.libraries || slices.ContainsFunc(r.may, func(library string) bool {
			return imported == library || strings.HasPrefix(imported, library+"/")
		})
	}
	for _, pattern := range r.may {
		if matched, _ := path.Match(pattern, own); matched && own != "plugins/standard" {
			return true
		}
	}
	return false
}

// goFiles lists the non-test Go files of each package.
func goFiles(t *testing.T) map[string][]string {
	files := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && name != root) {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			pkg, _ := filepath.Rel(root, filepath.Dir(name))
			files[pkg] = append(files[pkg], name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// imports lists what a file imports, the standard library left out.
func imports(t *testing.T, file string) []string {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, spec := range parsed.Imports {
		name := strings.Trim(spec.Path.Value, `"`)
		if first, _, _ := strings.Cut(name, "/"); first == "tocsin" || strings.Contains(first, ".") {
			out = append(out, name)
		}
	}
	return out
}

// TestFolders holds the top level, and each source and sink, to their form.
func TestFolders(t *testing.T) {
	allowed := []string{"engine", "rules", "sinks", "sources", "plugins", "bench", "cmd", "go.mod", "go.sum", "Makefile",
		"README.md", "docs", "examples", ".ci", ".git", ".gitignore", "bin"}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s does not belong at the top level", e.Name())
		}
	}
	for pkg, files := range goFiles(t) {
		if dir := path.Dir(pkg); dir == "sources" || dir == "sinks" {
			if _, err := os.Stat(filepath.Join(root, pkg, "README.md")); err != nil {
				t.Errorf("%s has no README.md", pkg)
			}
		}
		if !slices.ContainsFunc(files, func(f string) bool { return hasPackageDoc(t, f) }) {
			t.Errorf("package %s has no doc comment", pkg)
		}
	}
}

func hasPackageDoc(t *testing.T, file string) bool {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Doc != nil
}
