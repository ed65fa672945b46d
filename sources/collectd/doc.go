// Package collectd is the source for what collectd's network plugin sends: its
// binary protocol over UDP, plain, signed or encrypted, values and
// notifications.
//
// The format is described at
// https://github.com/collectd/collectd/wiki/Binary-protocol; where that is
// silent, this package does what src/network.c of collectd 5.12 does.
//
// Reading order: decoder.go walks over the parts of a datagram, secure.go
// checks signatures and decrypts, values.go and notification.go make events of
// what was found, series.go finds the identity of a value without allocating.
// None of them knows of sockets. users.go reads the file AuthFile, and
// plugins/valuelist the file types.db. source.go is the listener around it all,
// and record.go reads recorded datagrams for a replay.
package collectd
