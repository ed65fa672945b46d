package rules

// foldMethods are what makes events of lists.
var foldMethods = map[string]method{}
