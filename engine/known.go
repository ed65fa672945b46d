package engine

// Known reports whether the table still finds the identity: whether it was
// interned, and has not been forgotten since. A source that keeps identities in
// a table of its own drops those that are not. Any goroutine may call it.
func (id *Identity) Known() bool { return id.flags.Load()&identityInterned != 0 }
