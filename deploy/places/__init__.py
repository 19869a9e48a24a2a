"""Making the committed tables of administrative units from packages."""
