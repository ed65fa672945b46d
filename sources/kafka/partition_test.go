package kafka

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestWaitTogether: a rebalance and the end of the source may wait for the same
// batches.
func TestWaitTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPartition(partitionKey{"t", 0}, nil, 0)
		p.pending.Add(1)
		var waits sync.WaitGroup
		for range 3 {
			waits.Go(func() { p.wait(time.Now().Add(time.Hour), false) })
			waits.Go(func() { p.wait(time.Time{}, true) })
		}
		began := time.Now()
		synctest.Wait()
		p.less()
		waits.Wait()
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}
