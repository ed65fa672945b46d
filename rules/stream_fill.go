package rules

// fillMethods are what fills gaps.
var fillMethods = map[string]method{}
