// Package shop carries the rules files of the example shop, which
// "tocsin demo" runs.
package shop

import "embed"

// Files holds shop.lua and demo.lua.
//
//go:embed shop.lua demo.lua
var Files embed.FS
