package query

import (
	"slices"
	"strconv"
)

// Unquoted returns a comparison that likely lacks quotes, as host = web1, and
// how it would be with them; "" when there is none, or when the text is no
// query. To compare host, service, state or description with an attribute is
// allowed, but hardly ever meant.
func Unquoted(text string) (written, meant string) {
	root, err := parse(text)
	if err != nil {
		return "", ""
	}
	return unquoted(root)
}

func unquoted(n node) (written, meant string) {
	var parts []node
	switch n := n.(type) {
	case andNode:
		parts = n
	case orNode:
		parts = n
	case notNode:
		parts = []node{n.of}
	case compareNode:
		texts := []string{"host", "service", "state", "description"}
		if n.left.isField && slices.Contains(texts, n.left.field.Name()) && n.right.isAttr() {
			return n.String(), n.left.String() + " " + operatorTexts[n.op] + " " + strconv.Quote(n.right.field.Name())
		}
	}
	for _, part := range parts {
		if written, meant = unquoted(part); written != "" {
			return written, meant
		}
	}
	return "", ""
}
