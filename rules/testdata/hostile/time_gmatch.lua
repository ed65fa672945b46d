-- settings.rule_timeout
for _ in ("a"):rep(1e6):gmatch "(a*)(a*)(a*)b" do end
