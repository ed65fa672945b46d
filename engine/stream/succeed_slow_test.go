package stream

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/engine"
)

// slowStore takes two minutes for its first checkpoint.
type slowStore struct {
	records engine.RecordMap
	commits int
}

func (s *slowStore) Commit(c *engine.Checkpoint) error {
	if s.commits++; s.commits == 1 {
		time.Sleep(2 * time.Minute)
	}
	s.records.Apply(c)
	return nil
}

// TestSucceedWhileADiskHangs: what changes is noted again afterwards.
func TestSucceedWhileADiskHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := engine.NewWallClock(time.Now)
		old := NewGraph(engine.New(engine.Options{}, clock.Read().Now))
		old.Engine().Track()
		number(byFields(t, old.Events(), "host"))
		old.Start()
		r := engine.NewRunner(old.Engine(), clock)
		store := &slowStore{records: make(engine.RecordMap)}
		r.SetCheckpoints(engine.CheckpointOptions{Store: store, Save: old.Save})
		done := make(chan struct{})
		go func() { defer close(done); r.Run(context.Background()) }()
		time.Sleep(time.Minute)
		to := NewGraph(engine.New(engine.Options{Table: old.Engine().Identities()}, 0))
		number(byFields(t, to.Events(), "host"))
		if _, err := r.Swap(t.Context(), func(*engine.Engine) (*engine.Engine, error) {
			to.Succeed(old, to.Start)
			r.SaveWith(to.Save)
			return to.Engine(), nil
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		r.Stop()
		<-done
		if err := r.LastCheckpoint(); err != nil {
			t.Error(err)
		}
		if !to.Engine().Noting() || to.kept.epoch == 0 || !to.kept.known || store.commits < 3 {
			t.Errorf("noting %v, %+v, %d commits", to.Engine().Noting(), to.kept, store.commits)
		}
	})
}
