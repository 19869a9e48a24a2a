"""Every statement of benefits, and the rows it keeps: people, files, cycles, the bank."""
