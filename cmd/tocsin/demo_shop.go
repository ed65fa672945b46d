package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

const (
	// shopServers is how many app servers the shop of the demo has.
	shopServers = 10
	// shopTick is how often it is asked what it sends: one server at a time.
	shopTick = 100 * time.Millisecond
	// shopCycle is how often some of its servers die, in ticks.
	shopCycle = 600
	// In each cycle, the first dies at shopDies, the next ones shopApart later
	// each; they come back in that order from shopBack on. A server that dies
	// says so for shopGasp, and is silent from then on.
	shopDies, shopBack, shopApart, shopGasp = 100, 300, 30, 40
	// shopJob is how long db1 is busy and how long it is idle, in ticks.
	shopJob = 1800
)

// shopPlaces are where the shop's front page is looked at from.
var shopPlaces = [...]string{"berlin", "lisbon", "oslo", "quito", "tokyo"}

// demoShop makes up what the shop's machines send. It knows nothing of time but
// ticks, so that each run of the demo looks the same.
type demoShop struct {
	random  *rand.Rand
	victims []int // servers that die in this cycle, in order
}

func newDemoShop() *demoShop { return &demoShop{random: rand.New(rand.NewPCG(1, 2))} }

// health of a server of the shop.
type health int

const (
	up health = iota
	dying
	dark
)

// health tells how a server is at a tick.
func (s *demoShop) health(server, tick int) health {
	at := tick % shopCycle
	for i, victim := range s.victims {
		died, back := shopDies+i*shopApart, shopBack+i*shopApart
		switch {
		case victim != server || at < died || at >= back:
		case at < died+shopGasp:
			return dying
		default:
			return dark
		}
	}
	return up
}

// lines appends the graphite lines of a tick: of one server, and once in ten
// ticks of the front page.
func (s *demoShop) lines(dst []byte, tick int, now time.Time) []byte {
	if tick%shopCycle == 0 {
		s.victims = s.random.Perm(shopServers)[:3+s.random.IntN(2)]
	}
	line := func(role, host, service string, value int) {
		dst = append(dst, "shop."+role+"."+host+"."+service+" "...)
		dst = strconv.AppendInt(append(strconv.AppendInt(dst, int64(value), 10), ' '), now.Unix(), 10)
		dst = append(dst, '\n')
	}
	server := tick % shopServers
	host := "app" + strconv.Itoa(server+1)
	switch s.health(server, tick) {
	case up:
		line("app", host, "http", 1)
		line("app", host, "requests", 90+s.random.IntN(20))
		line("app", host, "errors", s.random.IntN(3))
	case dying:
		line("app", host, "http", 0)
	}
	if tick%10 == 0 {
		for i, place := range shopPlaces {
			seen := 1
			if (tick/10+i*7)%40 == 0 { // one place now and then has a bad line
				seen = 0
			}
			line("probe", place, "frontpage", seen)
		}
	}
	return dst
}

// shopCPU is how many per cent of a host's time go to users.
type shopCPU struct {
	host    string
	percent float64
}

// cpus is what collectd measures at a tick: the cpu of the app servers, and of
// db1, which has a long job to do now and then.
func (s *demoShop) cpus(tick int) (out []shopCPU) {
	for server := range shopServers {
		if s.health(server, tick) == up {
			out = append(out, shopCPU{fmt.Sprintf("app%d", server+1), 30 + 20*s.random.Float64()})
		}
	}
	busy := 12 + 5*s.random.Float64()
	if tick/shopJob%2 == 1 {
		busy = 98 + 2*s.random.Float64()
	}
	return append(out, shopCPU{"db1", busy})
}
