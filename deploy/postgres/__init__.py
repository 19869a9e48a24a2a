"""The database as whoever runs it prepares it: roles, and the table of what they may do."""
