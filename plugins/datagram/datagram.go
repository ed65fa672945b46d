// Package datagram reads UDP for the sources that cannot hold their senders
// back: with a large queue in the kernel, with a count of what did not fit into
// it, and with a look whether more is waiting, so that batches grow under load.
package datagram

// MaxSize is the size in bytes of the largest datagram there can be.
const MaxSize = 1<<16 - 1

// queueSize is asked of the kernel, in bytes. It gives as much as
// net.core.rmem_max allows.
const queueSize = 8 << 20
