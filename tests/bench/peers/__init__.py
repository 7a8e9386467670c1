"""What the window is measured against; each program runs by itself, in the environment that it needs."""
