"""How the outside parties serve HTTP: on loopback unless told, bounded bodies, telling nothing."""

import argparse

import uvicorn
from fastapi import FastAPI, Request

LOOPBACK = "127.0.0.1"
STOP_TIMEOUT_S = 5


def add_address(parser: argparse.ArgumentParser) -> None:
    """The options that say where a party listens; another host than loopback is for containers."""
    parser.add_argument("--host", default=LOOPBACK, help="default: %(default)s")
    parser.add_argument("--port", type=int, required=True)


def serve(app: FastAPI, host: str, port: int) -> None:
    """Serves until the process is told to stop; requests under way get a few seconds to end."""
    uvicorn.run(
        app,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=STOP_TIMEOUT_S,
    )


async def read_body(request: Request, limit_bytes: int) -> bytes | None:
    """The body, or `None` as soon as it exceeds the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit_bytes:
            return None
    return bytes(body)
