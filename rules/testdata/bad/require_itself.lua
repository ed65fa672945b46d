-- error: the file requires itself
require "require_itself"
