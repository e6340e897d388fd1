"""What `auth doctor` finds: steps with a verdict and what to change where. Pure; what has to be asked outside is handed in."""
