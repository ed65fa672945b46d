package terminal

// StateColor returns the colour of a state, the same in a log line and on a
// strip of LEDs. A state that is not one of the usual is white.
func StateColor(state string) Color {
	switch state {
	case "ok":
		return Color{R: 0, G: 200, B: 60, Ansi: 2}
	case "warning":
		return Color{R: 255, G: 175, B: 0, Ansi: 3}
	case "critical":
		return Color{R: 255, G: 40, B: 30, Ansi: 9}
	case "unknown":
		return Color{R: 135, G: 80, B: 255, Ansi: 5}
	case "expired":
		return Color{R: 90, G: 90, B: 90, Ansi: 8}
	}
	return Color{R: 230, G: 230, B: 230, Ansi: 7}
}
