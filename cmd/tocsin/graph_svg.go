package main

import (
	"bytes"
	"fmt"
	"html"
	"strings"

	"tocsin/rules"
)

// svgStyle has two sets of colours: for light and for dark surroundings.
const svgStyle = `
text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1f2429; white-space: pre }
.page { fill: #ffffff } .head { font-size: 14px; font-weight: 600 }
.box { fill: #f6f7f9; stroke: #c8ced5 } .title { font-weight: 600 }
.kind, .pos, .name { font-size: 10.5px; fill: #69727d }
.name { text-anchor: middle; paint-order: stroke; stroke: #ffffff; stroke-width: 4px }
.wire { fill: none; stroke: #8c96a1; stroke-width: 1.3px } .tip { fill: #8c96a1 } .asks { stroke-dasharray: 5 4 }
.rate { text-anchor: middle; font-size: 10.5px; paint-order: stroke; stroke: #ffffff; stroke-width: 4px; fill: #2b5d9c }
.idle { fill: #9aa3ad } .trouble { fill: #b3261e; font-weight: 600 } .bad { stroke: #b3261e; stroke-width: 2px }
.source { fill: #2b7a73 } .events { fill: #7b8590 } .stream { fill: #c8ced5 } .rule { fill: #a9701d } .sink { fill: #4d62a8 }
@media (prefers-color-scheme: dark) {
  text { fill: #dde2e7 } .page { fill: #15181c } .box { fill: #1e2329; stroke: #3c444d }
  .kind, .pos, .name { fill: #8d97a2 } .name { stroke: #15181c }
  .rate { fill: #8fb8ee; stroke: #15181c } .idle { fill: #66707a } .trouble { fill: #ff8a80 } .bad { stroke: #ff8a80 }
  .wire { stroke: #76808b } .tip { fill: #76808b }
  .source { fill: #4fa89f } .events { fill: #8d97a2 } .stream { fill: #4a535d } .rule { fill: #cc9544 } .sink { fill: #8094dc }
}
`

// writeSVG writes a drawing. title is what it is called.
func writeSVG(out *bytes.Buffer, title string, s *scene) {
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f">`+"\n", s.width, s.height, s.width, s.height)
	fmt.Fprintf(out, "<title>%s</title>\n<style>%s</style>\n", html.EscapeString(title), svgStyle)
	out.WriteString(`<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="9" orient="auto"><path class="tip" d="M0,0.6 L8,4 L0,7.4 z"/></marker></defs>` + "\n")
	fmt.Fprintf(out, `<rect class="page" width="%.0f" height="%.0f"/>`+"\n", s.width, s.height)
	writeText(out, "head", margin, margin+4, title)
	for _, w := range s.wires {
		writeWire(out, w)
	}
	for _, p := range s.spots {
		if p.box != nil {
			writeBox(out, p)
		}
	}
	out.WriteString("</svg>\n")
}

func writeText(out *bytes.Buffer, class string, x, y float64, text string) {
	fmt.Fprintf(out, `<text class="%s" x="%.1f" y="%.1f">%s</text>`+"\n", class, x, y, html.EscapeString(text))
}

// writeWire draws an arrow as a curve that is level at each spot.
func writeWire(out *bytes.Buffer, w wire) {
	first := w.path[0]
	x, y := first.right, first.middle()
	class := "wire"
	if w.index {
		class = "wire asks"
	}
	thick := ""
	if w.width != wireWidth {
		thick = fmt.Sprintf(` style="stroke-width: %.1fpx"`, w.width)
	}
	fmt.Fprintf(out, `<path class="%s"%s marker-end="url(#tip)" d="M%.1f,%.1f H%.1f`, class, thick, first.x+first.width, y, x)
	for _, p := range w.path[1:] {
		half := max((p.x-x)/2, 24)
		fmt.Fprintf(out, " C%.1f,%.1f %.1f,%.1f %.1f,%.1f", x+half, y, p.x-half, p.middle(), p.x, p.middle())
		x, y = p.right, p.middle()
		if p.box == nil {
			fmt.Fprintf(out, " H%.1f", x)
		}
	}
	out.WriteString("\"/>\n")
	// In the middle of the first curve.
	x, y = (first.right+w.path[1].x)/2, (first.middle()+w.path[1].middle())/2+3.5
	if w.name != "" {
		writeText(out, "name", x, y, w.name)
		y += 12
	}
	switch w.rate {
	case "":
	case "0/s":
		writeText(out, "rate idle", x, y, w.rate)
	default:
		writeText(out, "rate", x, y, w.rate)
	}
}

// writeBox draws a box: its title, its lines, and where it is declared.
func writeBox(out *bytes.Buffer, p *spot) {
	b := p.box
	fmt.Fprintf(out, "<g><title>%s</title>\n", html.EscapeString(strings.TrimSpace(b.Title+"\n"+strings.Join(b.Lines, "\n"))))
	class := "box"
	if p.trouble != "" {
		class = "box bad"
	}
	fmt.Fprintf(out, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="3"/>`+"\n", class, p.x, p.y, p.width, p.height)
	fmt.Fprintf(out, `<rect class="%s" x="%.1f" y="%.1f" width="4" height="%.1f" rx="1.5"/>`+"\n", b.Kind, p.x, p.y, p.height)
	x, y := p.x+boxPadding, p.y+0.7*boxPadding
	line := func(class, text string) {
		y += lineHeight
		writeText(out, class, x, y-4.5, text)
	}
	if b.Title != "" {
		line("title", b.Title)
		if b.Kind != rules.EventsBox {
			writeText(out, "kind", x+float64(len([]rune(b.Title))+1)*charWidth, y-4.5, string(b.Kind))
		}
	}
	for _, text := range p.lines {
		line("line", text)
	}
	if b.Pos != "" {
		line("pos", b.Pos)
	}
	if p.trouble != "" {
		line("trouble", p.trouble)
	}
	out.WriteString("</g>\n")
}
