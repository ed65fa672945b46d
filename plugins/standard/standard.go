// Package standard links every source and sink that ships with Tocsin.
package standard

import (
	_ "tocsin/sinks/file"
	_ "tocsin/sinks/graphite"
	_ "tocsin/sinks/kafka"
	_ "tocsin/sinks/led"
	_ "tocsin/sinks/log"
	_ "tocsin/sinks/pagerduty"
	_ "tocsin/sinks/webhook"
	_ "tocsin/sources/collectd"
	_ "tocsin/sources/graphite"
	_ "tocsin/sources/kafka"
)
