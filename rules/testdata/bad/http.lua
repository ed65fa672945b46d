-- error: http.lua:2: settings: option "http": "localhost:http" is not an address; write it as "host:port"
settings { http = "localhost:http" }
