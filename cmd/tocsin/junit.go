package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tocsin/rules"
)

// junitReport is the results of tests as JUnit XML, in the form that Jenkins
// and GitLab read: a suite for each file.
type junitReport struct {
	XMLName xml.Name `xml:"testsuites"`
	junitCounts
	Suites []*junitSuite `xml:"testsuite"`
}

// junitCounts are the attributes that suites and the whole have in common.
type junitCounts struct {
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     junitSeconds `xml:"time,attr"`
}

type junitSuite struct {
	Name string `xml:"name,attr"`
	junitCounts
	Cases []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr"`
	Time    junitSeconds  `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
	Error   *junitFailure `xml:"error"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// junitSeconds is a time as the reports have it.
type junitSeconds time.Duration

// MarshalText implements encoding.TextMarshaler.
func (s junitSeconds) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%.3f", time.Duration(s).Seconds()), nil
}

// add adds a test. Those of one file come one after the other.
func (r *junitReport) add(result rules.TestResult) {
	if len(r.Suites) == 0 || r.Suites[len(r.Suites)-1].Name != result.File {
		r.Suites = append(r.Suites, &junitSuite{Name: result.File})
	}
	suite := r.Suites[len(r.Suites)-1]
	it := junitCase{
		Name: result.Name, Class: strings.TrimSuffix(filepath.ToSlash(result.File), ".lua"),
		File: result.File, Time: junitSeconds(result.Took),
	}
	why := &junitFailure{Message: result.Failure, Text: result.Failure + "\n" + result.Detail}
	switch {
	case result.Name == "":
		it.Name, it.Error = "(the file)", why
		why.Type = "error"
	case result.Failure != "":
		it.Failure = why
		why.Type = "failure"
	}
	suite.Cases = append(suite.Cases, it)
	suite.count(it)
	r.count(it)
}

func (c *junitCounts) count(it junitCase) {
	c.Tests++
	c.Time += it.Time
	if it.Failure != nil {
		c.Failures++
	}
	if it.Error != nil {
		c.Errors++
	}
}

// write writes the report.
func (r *junitReport) write(w io.Writer) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// writeFile writes the report to a file, which is there whole or not at all:
// who reads it while tests run again sees the one before.
func (r *junitReport) writeFile(path string) error {
	if err := r.replace(path); err != nil {
		return fmt.Errorf("cannot write results %q: %w", path, err)
	}
	return nil
}

func (r *junitReport) replace(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return r.writeDevice(path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing is there once it is renamed
	err = r.write(f)
	if err == nil {
		err = errors.Join(f.Chmod(0o644), f.Sync())
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// writeDevice writes to what cannot be replaced, such as a pipe.
func (r *junitReport) writeDevice(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	err = r.write(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
