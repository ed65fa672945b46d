-- error: require_absolute.lua:2: "/etc/passwd" is not the name
require "/etc/passwd"
