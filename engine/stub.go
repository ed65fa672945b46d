package engine

type Entry struct{}
type Route struct{}
