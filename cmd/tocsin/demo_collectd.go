package main

import (
	"encoding/binary"
	"math"
	"time"
)

// collectdPacket is a datagram as collectd's network plugin sends it: parts,
// each a type and a length of two bytes and a body
// (https://github.com/collectd/collectd/wiki/Binary-protocol).
type collectdPacket []byte

const (
	collectdHost         = 0x0000
	collectdPlugin       = 0x0002
	collectdType         = 0x0004
	collectdTypeInstance = 0x0005
	collectdValues       = 0x0006
	collectdTime         = 0x0008 // in 2^-30 seconds, as is the interval
	collectdInterval     = 0x0009
	collectdGauge        = 1
)

func (p *collectdPacket) text(part uint16, s string) {
	p.head(part, len(s)+1)
	*p = append(append(*p, s...), 0)
}

func (p *collectdPacket) number(part uint16, n uint64) {
	p.head(part, 8)
	*p = binary.BigEndian.AppendUint64(*p, n)
}

// gauge appends a list of one value.
func (p *collectdPacket) gauge(v float64) {
	p.head(collectdValues, 2+1+8)
	*p = append(*p, 0, 1, collectdGauge)
	*p = binary.LittleEndian.AppendUint64(*p, math.Float64bits(v))
}

func (p *collectdPacket) head(part uint16, body int) {
	*p = binary.BigEndian.AppendUint16(*p, part)
	*p = binary.BigEndian.AppendUint16(*p, uint16(body+4))
}

// cpu appends what the plugin cpu says of a host: how many per cent of its time
// go to users.
func (p *collectdPacket) cpu(host string, at time.Time, percent float64) {
	p.text(collectdHost, host)
	p.number(collectdTime, highResolution(at.UnixNano()))
	p.number(collectdInterval, highResolution(int64(time.Second)))
	p.text(collectdPlugin, "cpu")
	p.text(collectdType, "percent")
	p.text(collectdTypeInstance, "user")
	p.gauge(percent)
}

// highResolution turns nanoseconds into 2^-30 seconds.
func highResolution(ns int64) uint64 {
	return uint64(ns/1e9)<<30 | uint64(ns%1e9)<<30/1e9
}
