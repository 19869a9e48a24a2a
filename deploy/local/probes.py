"""Round trips that tell whether a process of ours serves."""

import http.client
import socket

from deploy.local.ports import LOOPBACK

TIMEOUT_S = 2.0
READY_PATH = "/health/ready"


def answers(port: int) -> None:
    """GET /health/ready answers 200; raises while it does not."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", READY_PATH)
        status = connection.getresponse().status
    finally:
        connection.close()
    if status != http.HTTPStatus.OK:
        raise ConnectionError(f"{READY_PATH} answered {status}")


def connects(port: int) -> None:
    """The port accepts a connection; raises while it does not."""
    socket.create_connection((LOOPBACK, port), TIMEOUT_S).close()
