"""Benefits, pure: who is judged, what is due, who may approve, what the bank's answers come to."""
