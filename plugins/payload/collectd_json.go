package payload

import (
	"errors"
	"math"

	"tocsin/plugins/carbon"
)

var (
	errBadInterval = errors.New("its interval is not a number of seconds")
	errManyValues  = errors.New("it has too many values")
	errNoTime      = errors.New("it has no time")
)

// array reads value lists out of a JSON array. What cannot be read as JSON costs
// what comes after it.
func (d *collectdDecoder) array(value []byte) {
	s := &d.json
	*s = jsonScanner{data: value, scratch: s.scratch[:0]}
	s.take('[')
	if s.take(']') {
		d.arrayEnd(1)
		return
	}
	for number := 1; ; number++ {
		if number > MaxEvents {
			d.bad.add("value list", number, errManyEvents)
			return
		}
		s.scratch = s.scratch[:0]
		wrong, err := d.object()
		if err != nil {
			d.bad.add("value list", number, s.at(err))
			return
		}
		if wrong == nil {
			wrong = d.list.check()
		}
		if wrong == nil && !d.list.hasTime {
			wrong = errNoTime
		}
		if wrong != nil {
			d.bad.add("value list", number, wrong)
		} else {
			d.events()
		}
		if s.take(']') {
			d.arrayEnd(number + 1)
			return
		}
		if !s.take(',') {
			d.bad.add("value list", number, s.at(errNoComma))
			return
		}
	}
}

func (d *collectdDecoder) arrayEnd(number int) {
	if s := &d.json; !s.end() {
		d.bad.add("value list", number, s.at(errAfterList))
	}
}

// object reads one value list. wrong says that the list is of no use, err that
// what follows it cannot be read either.
func (d *collectdDecoder) object() (wrong, err error) {
	s, l := &d.json, &d.list
	l.reset()
	if !s.take('{') {
		return nil, errNoObject
	}
	if s.take('}') {
		return nil, nil
	}
	for {
		key, err := s.text()
		if err != nil {
			return nil, err
		}
		if !s.take(':') {
			return nil, errNoColon
		}
		bad, err := d.member(key)
		if err != nil {
			return nil, err
		}
		if wrong == nil {
			wrong = bad
		}
		if s.take('}') {
			return wrong, nil
		}
		if !s.take(',') {
			return nil, errNoComma
		}
	}
}

// member reads the value of a key. Other keys, as meta, are passed over.
func (d *collectdDecoder) member(key []byte) (wrong, err error) {
	s, l := &d.json, &d.list
	switch string(key) {
	case "host":
		l.host, err = s.text()
	case "plugin":
		l.plugin, err = s.text()
	case "plugin_instance":
		l.pluginInstance, err = s.text()
	case "type":
		l.typ, err = s.text()
	case "type_instance":
		l.typeInstance, err = s.text()
	case "values":
		return d.numbers()
	case "dsnames":
		l.names, wrong, err = s.texts(l.names)
	case "dstypes":
		l.kinds, wrong, err = s.texts(l.kinds)
	case "time":
		var number []byte
		if number, err = s.scalar(); err == nil {
			l.time, l.hasTime, wrong = carbon.ParseTime(number)
		}
	case "interval":
		var number []byte
		if number, err = s.scalar(); err == nil {
			var seconds float64
			if seconds, wrong = carbon.ParseFloat(number); wrong != nil {
				return errBadInterval, nil
			}
			l.ttl = d.ttlOf(seconds)
		}
	default:
		err = s.skip()
	}
	return wrong, err
}

// numbers reads the list of values, in which null stands for none.
func (d *collectdDecoder) numbers() (wrong, err error) {
	s, l := &d.json, &d.list
	l.values = l.values[:0]
	err = s.each(func() error {
		number, err := s.scalar()
		if err != nil {
			return err
		}
		metric := math.NaN()
		if string(number) != "null" {
			var bad error
			if metric, bad = carbon.ParseFloat(number); bad != nil && wrong == nil {
				wrong = bad
			}
		}
		if len(l.values) == maxValues {
			wrong = errManyValues
			return nil
		}
		l.values = append(l.values, metric)
		return nil
	})
	return wrong, err
}
