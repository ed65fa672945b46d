-- the pattern is too complex
return ("a"):rep(5000):find("^" .. ("a?"):rep(5000) .. "$")
