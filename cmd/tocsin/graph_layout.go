package main

import (
	"cmp"
	"math"
	"slices"

	"tocsin/rules"
)

// Measures of a drawing, in pixels.
const (
	charWidth  = 7.3 // of the monospaced letters, 12 px high
	lineHeight = 17.0
	boxPadding = 10.0
	boxGap     = 22.0 // between boxes of one layer
	laneGap    = 14.0 // around an arrow that passes a layer
	layerGap   = 64.0
	margin     = 24.0
	headHeight = 30.0 // of the title
	wireWidth  = 1.3
	// maxLetters is how much of a line is shown.
	maxLetters = 64
)

// spot is a box in its place, or a bend of an arrow that passes its layer.
type spot struct {
	box           *rules.Box // nil for a bend
	lines         []string   // as shown
	trouble       string     // the last line, in red; "" when there is none
	layer         int
	x, y          float64 // of the upper left corner
	width, height float64
	right         float64 // where the layer ends
	before, after []*spot
}

func (s *spot) middle() float64 { return s.y + s.height/2 }

// wire is an arrow and the spots that it passes, both ends included.
type wire struct {
	name  string
	index bool
	rate  string // "" when it is not known
	width float64
	path  []*spot
}

// scene is a drawing whose parts have places.
type scene struct {
	spots         []*spot
	wires         []wire
	layers        [][]*spot
	width, height float64
}

// arrange gives each box a place: in layers from left to right, so that arrows
// lead to the right and cross little (after Sugiyama, Tagawa and Toda, 1981).
// live is what a running tocsin does, or nil.
func arrange(d *rules.Drawing, live *liveRates) *scene {
	s := &scene{}
	for i := range d.Boxes {
		s.spots = append(s.spots, newSpot(&d.Boxes[i], live))
	}
	s.assignLayers(d)
	s.connect(d, live)
	s.order()
	s.place()
	return s
}

// newSpot measures a box.
func newSpot(b *rules.Box, live *liveRates) *spot {
	s := &spot{box: b}
	letters := len([]rune(b.Title)) + 10
	for _, line := range b.Lines {
		s.lines = append(s.lines, shorten(line))
		letters = max(letters, len([]rune(s.lines[len(s.lines)-1])))
	}
	letters = max(letters, len([]rune(b.Pos)))
	rows := len(s.lines)
	if b.Title != "" {
		rows++
	}
	if b.Pos != "" {
		rows++
	}
	if live != nil {
		s.trouble = live.trouble(b)
	}
	if s.trouble != "" {
		rows++
		letters = max(letters, len([]rune(s.trouble)))
	}
	s.width, s.height = float64(letters)*charWidth+2*boxPadding, float64(rows)*lineHeight+1.4*boxPadding
	return s
}

// measure gives an arrow its rate; the width tells of the order of magnitude.
func (w *wire) measure(live *liveRates, a *rules.Arrow) {
	if rate, ok := live.rate(a); ok {
		w.rate = perSecond(rate) + "/s"
		w.width += 0.5 * math.Log10(1+rate)
	}
}

func shorten(line string) string {
	letters := []rune(line)
	if len(letters) <= maxLetters {
		return line
	}
	return string(letters[:maxLetters-1]) + "…"
}

// assignLayers puts each box behind the last of those that lead to it; sinks
// stand in the last layer.
func (s *scene) assignLayers(d *rules.Drawing) {
	const walking = -1
	state := make([]int, len(s.spots)) // layer + 1 once it is known
	var layer func(i int) int
	layer = func(i int) int {
		if state[i] != 0 {
			return state[i]
		}
		state[i] = walking
		at := 1
		for _, a := range d.Arrows {
			if a.To == i {
				if before := layer(a.From); before != walking { // else the arrow leads back
					at = max(at, before+1)
				}
			}
		}
		state[i] = at
		return at
	}
	last := 0
	for i, spot := range s.spots {
		spot.layer = layer(i) - 1
		last = max(last, spot.layer)
	}
	for _, spot := range s.spots {
		if spot.box.Kind == rules.SinkBox {
			spot.layer = max(last, 1)
		}
	}
}

// connect makes the wires, with a bend in each layer that one passes.
func (s *scene) connect(d *rules.Drawing, live *liveRates) {
	for i := range d.Arrows {
		a := &d.Arrows[i]
		from, to := s.spots[a.From], s.spots[a.To]
		w := wire{name: a.Name, index: a.Index, path: []*spot{from}, width: wireWidth}
		if live != nil {
			w.measure(live, a)
		}
		for layer := from.layer + 1; layer < to.layer; layer++ {
			bend := &spot{layer: layer}
			s.spots = append(s.spots, bend)
			w.path = append(w.path, bend)
		}
		w.path = append(w.path, to)
		s.wires = append(s.wires, w)
		for i := 1; i < len(w.path); i++ {
			w.path[i-1].after = append(w.path[i-1].after, w.path[i])
			w.path[i].before = append(w.path[i].before, w.path[i-1])
		}
	}
	for _, spot := range s.spots {
		for len(s.layers) <= spot.layer {
			s.layers = append(s.layers, nil)
		}
		s.layers[spot.layer] = append(s.layers[spot.layer], spot)
	}
}

// order sorts each layer by where its neighbours stand, to and fro.
func (s *scene) order() {
	for _, layer := range s.layers {
		stack(layer, 0)
	}
	for range 6 {
		for _, layer := range s.layers {
			sortBy(layer, func(p *spot) []*spot { return p.before })
		}
		for _, layer := range slices.Backward(s.layers) {
			sortBy(layer, func(p *spot) []*spot { return p.after })
		}
	}
}

// sortBy sorts a layer by the middle of each spot's neighbours.
func sortBy(layer []*spot, neighbours func(*spot) []*spot) {
	wish := make(map[*spot]float64, len(layer))
	for _, p := range layer {
		wish[p] = average(neighbours(p), p.middle())
	}
	slices.SortStableFunc(layer, func(a, b *spot) int { return cmp.Compare(wish[a], wish[b]) })
	stack(layer, 0)
}

// average is the middle of spots, or otherwise when there is none.
func average(spots []*spot, otherwise float64) float64 {
	if len(spots) == 0 {
		return otherwise
	}
	sum := 0.0
	for _, p := range spots {
		sum += p.middle()
	}
	return sum / float64(len(spots))
}

// gap is the room between two spots, one above the other.
func gap(above, below *spot) float64 {
	if above.box == nil || below.box == nil {
		return laneGap
	}
	return boxGap
}

// stack puts the spots of a layer below one another.
func stack(layer []*spot, y float64) {
	for i, p := range layer {
		if i > 0 {
			y += gap(layer[i-1], p)
		}
		p.y = y
		y += p.height
	}
}

// place gives all spots their coordinates.
func (s *scene) place() {
	for range 4 {
		for _, layer := range s.layers {
			align(layer, func(p *spot) []*spot { return p.before })
		}
		for _, layer := range slices.Backward(s.layers) {
			align(layer, func(p *spot) []*spot { return p.after })
		}
	}
	top := s.layers[0][0].y
	for _, layer := range s.layers {
		top = min(top, layer[0].y)
	}
	x := margin
	for _, layer := range s.layers {
		widest := 0.0
		for _, p := range layer {
			widest = max(widest, p.width)
		}
		for _, p := range layer {
			p.x, p.right = x, x+widest
			p.y += margin + headHeight - top
			if p.box == nil {
				p.width = widest
			}
			s.height = max(s.height, p.y+p.height+margin)
		}
		x += widest + layerGap
	}
	s.width = x - layerGap + margin
}

// align moves the spots of a layer to their neighbours, as far as their order
// and the room between them allow.
func align(layer []*spot, neighbours func(*spot) []*spot) {
	wishes := make([]float64, len(layer))
	for i, p := range layer {
		wishes[i] = average(neighbours(p), p.middle()) - p.height/2
	}
	for i, p := range layer {
		p.y = wishes[i]
		if i > 0 {
			p.y = max(p.y, layer[i-1].y+layer[i-1].height+gap(layer[i-1], p))
		}
	}
	shift := 0.0 // those pushed down share the way
	for i, p := range layer {
		shift += wishes[i] - p.y
	}
	for _, p := range layer {
		p.y += shift / float64(len(layer))
	}
}
