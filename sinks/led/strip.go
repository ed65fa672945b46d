package led

import "tocsin/engine"

// strip gives out pixels. An identity keeps the one it was given, until the
// strip is full and its own has been expired for longest.
type strip struct {
	pixels []Pixel
	of     []string       // whose each pixel is; "" if it is free
	named  []bool         // an event named it by its number
	place  map[string]int // of an identity
	since  []int          // count of expiries when each pixel expired; 0: it is live
	clock  int            // counts expiries
}

func newStrip(n int) *strip {
	return &strip{
		pixels: make([]Pixel, n), of: make([]string, n), named: make([]bool, n),
		place: make(map[string]int), since: make([]int, n),
	}
}

// setAt shows p on the i-th pixel. Whoever was given that one before gets
// another, if there is one.
func (s *strip) setAt(i int, p Pixel) {
	target, before := s.of[i], s.pixels[i]
	s.free(i)
	s.named[i] = true
	s.light(i, p)
	if target != "" {
		s.set(target, before)
	}
}

// set shows p on the pixel of an identity. It returns false when there is no
// pixel left for it.
func (s *strip) set(target string, p Pixel) bool {
	i, ok := s.place[target]
	if !ok {
		if i = s.vacancy(); i < 0 {
			return false
		}
		s.free(i)
		s.place[target], s.of[i] = i, target
	}
	s.light(i, p)
	return true
}

func (s *strip) light(i int, p Pixel) {
	s.pixels[i] = p
	switch {
	case p.State != engine.Expired:
		s.since[i] = 0
	case s.since[i] == 0:
		s.clock++
		s.since[i] = s.clock
	}
}

// vacancy returns the first pixel that nobody has, or else the one that has
// been expired for longest, or -1.
func (s *strip) vacancy() int {
	oldest := -1
	for i := range s.pixels {
		switch {
		case s.named[i]:
		case s.of[i] == "":
			return i
		case s.since[i] > 0 && (oldest < 0 || s.since[i] < s.since[oldest]):
			oldest = i
		}
	}
	return oldest
}

func (s *strip) free(i int) {
	if s.of[i] != "" {
		delete(s.place, s.of[i])
		s.of[i] = ""
	}
}
