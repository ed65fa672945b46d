-- error: kind.lua:2: there is no source.grafite; did you mean "graphite"?
source.grafite { listen = "x" }
