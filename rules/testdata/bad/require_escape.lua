-- error: require_escape.lua:2: "../good/shop" is not the name of a file beside this one
require "../good/shop"
