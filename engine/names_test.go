package engine

import (
	"fmt"
	"sync"
	"testing"
)

func TestNames(t *testing.T) {
	ids, names := NewIdentities(1000), NewNames()
	intern := func(s string) *Identity { id, _ := ids.Intern(serviceParts(s)); return id }
	if names.Lookup([]byte("x")) != nil {
		t.Error("an empty Names knows nothing")
	}
	for i := range 700 { // through several rebuilds
		s := fmt.Sprint("name", i)
		names.Add(s, intern(s))
	}
	for i := range 700 {
		s := fmt.Sprint("name", i)
		if got := names.Lookup([]byte(s)); got != intern(s) {
			t.Fatalf("%s leads to %v", s, got)
		}
	}
	b := intern("b")
	names.Add("name1", b)
	if names.Lookup([]byte("name1")) != b || names.Len() != 700 {
		t.Error("adding a name again replaces it")
	}
	ids.remove(b)
	if names.Lookup([]byte("name1")) != nil {
		t.Error("a forgotten identity is found")
	}
	if sum := names.Touch([]uint64{names.Hash([]byte("name2"))}); sum == 0 {
		t.Error("Touch did not look")
	}
}

func TestForgottenNamesMakeRoom(t *testing.T) {
	ids, names := NewIdentities(1000), NewNames()
	for i := range 100_000 {
		id, err := ids.Intern(serviceParts(fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		names.Add(fmt.Sprint(i), id)
		ids.remove(id)
	}
	if n := len(names.table.Load().slots); n != leastNames {
		t.Errorf("%d slots, though nothing lives behind the names", n)
	}
}

func TestNamesOfOneIdentityStayBounded(t *testing.T) {
	ids, names := NewIdentities(10), NewNames()
	names.limit = 1000
	id, _ := ids.Intern(serviceParts("a"))
	for i := range 20_000 {
		name := fmt.Sprint("servers.random", i, ".a")
		names.Add(name, id)
		if names.Lookup([]byte(name)) != id {
			t.Fatal("the newest is found")
		}
	}
	if n := len(names.table.Load().slots); n > 4*names.limit {
		t.Errorf("%d slots for a limit of %d", n, names.limit)
	}
}

func TestNamesFromManyGoroutines(t *testing.T) {
	ids, names := NewIdentities(10_000), NewNames()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				s := fmt.Sprint((i*7 + g*13) % 500)
				id := names.Lookup([]byte(s))
				if id == nil {
					id, _ = ids.Intern(serviceParts(s))
					names.Add(s, id)
				}
				if id.Service != s {
					t.Errorf("%s leads to %s", s, id.Service)
				}
				if i%50 == 0 {
					ids.remove(id)
				}
			}
		})
	}
	wg.Wait()
}
