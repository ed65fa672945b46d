package rules

// rateMethods are rates and means.
var rateMethods = map[string]method{}
