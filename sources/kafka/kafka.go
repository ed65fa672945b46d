// Package kafka reads events from topics of Kafka, as a member of a group.
//
// What was read and what it did are kept by the same checkpoint (engine.Place),
// so that each record counts once. options.go checks what a rules file says.
// source.go is the life of a source; it reaches the cluster, and ends what it
// began. consumer.go polls, and is told which partitions are ours; begin.go
// finds where each begins. worker.go decodes, partition.go is what is known of
// one partition, and attributes.go puts keys and headers into events. commit.go
// tells the group how far we are, watch.go measures how far we are behind, ask.go
// asks the cluster, and trouble.go tells of what is wrong. broken.go steps over what cannot be read,
// renew.go begins topics that were made anew, and dead.go keeps the records that
// make no event, in a topic (dead_topic.go) or a file (dead_file.go).
package kafka

import (
	"tocsin/engine"
	"tocsin/plugins"
)

func init() {
	plugins.RegisterSource("kafka", Defaults(), func(env plugins.Env, o Options) (engine.Source, error) {
		return New(env, o)
	})
}
