"""What benefits does with events, timers and the bank's answers: load, decide, save, return."""
