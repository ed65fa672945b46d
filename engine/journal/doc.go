// Package journal is a write-ahead log of the batches that an engine has served:
// what a source cannot ask for again is on disk before it is acknowledged, and is
// served again after a crash. It is also a recording that can be replayed.
//
// A journal is a folder of segments, each named by the number of the first batch
// that may be in it, such as 00000000000000000042.journal. Numbers are those of
// engine.Engine.Position. A segment is a head and blocks behind one another:
//
//	head    magic, 16 bytes; version; first number; the clock at its first batch; checksum
//	block   checksum of what follows up to the payload; checksum of the payload; its length
//	        as stored, and unpacked; number of the first batch; how many batches; how many
//	        events; the earliest and the latest of the events' times; payload
//
// The numbers there are little-endian, of the widths in format.go. A checksum is a
// CRC-32C. A payload whose two lengths differ is packed by S2 (a block of
// github.com/klauspost/compress/s2). It holds for each batch, one number after the
// other: the clock, the engine's downtime, the source's name, how many events, and the events as
// engine.AppendEvent writes them, their times counted from the clock. So every
// block can be read without those before it. A batch without events is a mark: it
// tells where the clock stood when the engine paused.
//
// The blocks of one group of batches are written and synced together. What a crash
// leaves half written fails its checksum.
//
// github.com/tidwall/wal (1.2.1) was looked at: it has no checksums, so it takes a
// damaged record for a good one and refuses a torn one; it keeps the last segment
// in memory whole; and opening it always opens for writing, so that nobody
// can read along.
package journal
