// Package valuelist says what the values of collectd's value lists are called:
// by types.db (types.go) and by the list's own names (name.go). Whatever way
// collectd sends them, the events have the same identities.
package valuelist
