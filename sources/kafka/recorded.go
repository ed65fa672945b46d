package kafka

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/engine"
	"tocsin/plugins/kafka"
	"tocsin/plugins/payload"
	"tocsin/plugins/valuelist"
)

// Recorded says how a source reads, for a replay of what is in a topic.
type Recorded struct {
	// Format and Payload say what is in a record's value.
	Format  string
	Payload payload.Options
	// Attributes returns what gives an event's identity the key and the headers of
	// its record. What it returns belongs to one goroutine.
	Attributes func(ids *engine.Identities) func(r *kgo.Record, id *engine.Identity) *engine.Identity
}

// Cluster says how the brokers are reached.
func (s *Source) Cluster() *kafka.Cluster { return s.cluster }

// Recorded reads types_db. It needs no Open, and may be called beside Run.
func (s *Source) Recorded() (Recorded, error) {
	types, err := valuelist.ReadTypes(s.env.Dir, s.TypesDB)
	if err != nil {
		return Recorded{}, err
	}
	return Recorded{
		Format: s.Format, Payload: payload.Options{Naming: s.naming, Types: types},
		Attributes: func(ids *engine.Identities) func(*kgo.Record, *engine.Identity) *engine.Identity {
			a := newAttributes(s.settings, ids)
			return func(r *kgo.Record, id *engine.Identity) *engine.Identity {
				a.begin(r)
				return a.identity(id)
			}
		},
	}, nil
}
