"""What a message says, in which language, and what follows from an attempt to send it. Pure."""
