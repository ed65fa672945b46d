-- os.date: the format has more than 1024 bytes
return os.date(("%c"):rep(1e6))
