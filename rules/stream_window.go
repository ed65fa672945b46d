package rules

// windowMethods are windows.
var windowMethods = map[string]method{}
