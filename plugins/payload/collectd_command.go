package payload

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"tocsin/plugins/carbon"
)

var (
	errNotPutval    = errors.New(`expected "PUTVAL host/plugin-instance/type-instance interval=SECONDS TIME:VALUE"`)
	errBadName      = errors.New("its name is not of the form host/plugin-instance/type-instance")
	errUnquoted     = errors.New("a quote does not end")
	errNoColonValue = errors.New("a value is not of the form TIME:VALUE")
)

// commands reads one PUTVAL of each line.
func (d *collectdDecoder) commands(value []byte) {
	number := 0
	for line := range bytes.Lines(value) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		err := error(nil)
		switch {
		case number > MaxEvents:
			d.bad.add("line", number, errManyEvents)
			return
		case len(line) > carbon.MaxLine:
			err = carbon.ErrOversized
		default:
			err = d.command(line)
		}
		if err != nil {
			d.bad.add("line", number, err)
		}
	}
}

// command reads one line. Its values count up to the first that is bad.
func (d *collectdDecoder) command(line []byte) error {
	word, line, err := nextWord(line)
	if err != nil || !bytes.EqualFold(word, []byte("PUTVAL")) {
		return errNotPutval
	}
	l := &d.list
	l.reset()
	if word, line, err = nextWord(line); err != nil {
		return err
	}
	if err := l.identifier(word); err != nil {
		return err
	}
	lists := 0
	for len(line) > 0 {
		if word, line, err = nextWord(line); err != nil {
			return err
		}
		if key, value, ok := bytes.Cut(word, []byte("=")); ok {
			if err := d.option(key, value); err != nil {
				return err
			}
			continue
		}
		if err := l.timeAndValues(word); err != nil {
			return err
		}
		lists++
		d.events()
	}
	if lists == 0 {
		return errNotPutval
	}
	return nil
}

// nextWord returns the first word of a line, without its quotes if it has them,
// and the rest.
func nextWord(line []byte) (word, rest []byte, err error) {
	if len(line) == 0 || line[0] != '"' {
		end := bytes.IndexAny(line, " \t")
		if end < 0 {
			return line, nil, nil
		}
		return line[:end], bytes.TrimLeft(line[end:], " \t"), nil
	}
	escaped := false
	for i := 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			word = line[1:i]
			if escaped {
				word = unquote(word)
			}
			return word, bytes.TrimLeft(line[i+1:], " \t"), nil
		}
	}
	return nil, nil, errUnquoted
}

// unquote drops the backslash before each character that has one.
func unquote(word []byte) []byte {
	out := make([]byte, 0, len(word))
	for i := 0; i < len(word); i++ {
		if word[i] == '\\' {
			i++
		}
		out = append(out, word[i])
	}
	return out
}

// identifier reads host/plugin-instance/type-instance.
func (l *valueList) identifier(word []byte) error {
	host, rest, _ := bytes.Cut(word, []byte("/"))
	plugin, typ, ok := bytes.Cut(rest, []byte("/"))
	if !ok {
		return errBadName
	}
	l.host = host
	l.plugin, l.pluginInstance, _ = bytes.Cut(plugin, []byte("-"))
	l.typ, l.typeInstance, _ = bytes.Cut(typ, []byte("-"))
	l.values = append(l.values[:0], 0)
	return l.check()
}

func (d *collectdDecoder) option(key, value []byte) error {
	if string(key) != "interval" {
		return nil // meta data, which has no meaning here
	}
	seconds, err := carbon.ParseFloat(value)
	if err != nil {
		return errBadInterval
	}
	d.list.ttl = d.ttlOf(seconds)
	return nil
}

// timeAndValues reads TIME:VALUE:VALUE. The time N is now, the value U is none.
func (l *valueList) timeAndValues(word []byte) (err error) {
	when, rest, ok := bytes.Cut(word, []byte(":"))
	if !ok {
		return errNoColonValue
	}
	l.hasTime = string(when) != "N"
	if l.hasTime {
		if l.time, l.hasTime, err = carbon.ParseTime(when); err != nil {
			return err
		}
	}
	l.values = l.values[:0]
	for ok {
		var text []byte
		text, rest, ok = bytes.Cut(rest, []byte(":"))
		metric, err := carbon.ParseFloat(text)
		if string(text) == "U" || err == carbon.ErrNaN {
			metric, err = math.NaN(), nil
		}
		if err != nil {
			return fmt.Errorf("%w: %q", err, clip(text))
		}
		if len(l.values) == maxValues {
			return errManyValues
		}
		l.values = append(l.values, metric)
	}
	return nil
}
