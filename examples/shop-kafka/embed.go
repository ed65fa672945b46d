// Package shopkafka carries the rules file of the example shop with Kafka, which
// "tocsin demo --kafka" runs.
package shopkafka

import "embed"

// Files holds shop.lua.
//
//go:embed shop.lua
var Files embed.FS
