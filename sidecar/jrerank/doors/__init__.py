"""How a request gets in and an answer gets out. Wire shapes live only here."""
