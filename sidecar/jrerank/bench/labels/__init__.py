"""`bench labels`: which passages are relevant, from clicks or from somebody who looks."""
