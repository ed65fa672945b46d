package main

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// notifySystemd tells systemd how far the service is, as sd_notify(3) does, if
// it asked for that by the environment variable NOTIFY_SOCKET. state is
// "READY=1" or "STOPPING=1", or what reloadingState returns.
func notifySystemd(socket, state string) error {
	if socket == "" {
		return nil
	}
	if socket[0] == '@' {
		socket = "\x00" + socket[1:] // in the abstract namespace of Linux
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(state))
	return err
}

// reloadingState says that a reload begins: systemd wants the time, in µs of the
// monotonic clock, to tell one from another (Type=notify-reload).
func reloadingState() string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return "RELOADING=1"
	}
	return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000)
}
