"""Whether this container's HTTP door says that it is ready: exit code 0 or 1.

Run every few seconds in every container, so without anything that takes long to import.
"""

import socket
import sys

PORT = 8080
REQUEST = b"GET /health/ready HTTP/1.0\r\nhost: localhost\r\n\r\n"


def main() -> int:
    """One request."""
    with socket.create_connection(("127.0.0.1", PORT), timeout=5) as door:
        door.sendall(REQUEST)
        return 0 if door.recv(64).split()[1:2] == [b"200"] else 1


if __name__ == "__main__":
    sys.exit(main())
