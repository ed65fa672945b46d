package main

import "net"

// notifySystemd tells systemd how far the service is, as sd_notify(3) does, if
// it asked for that by the environment variable NOTIFY_SOCKET. state is
// "READY=1" or "STOPPING=1".
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
