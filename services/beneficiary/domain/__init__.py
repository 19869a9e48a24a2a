"""What the registry knows about people, names, numbers and places: pure, without I/O."""
