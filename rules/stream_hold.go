package rules

// holdMethods are what holds events back.
var holdMethods = map[string]method{}
