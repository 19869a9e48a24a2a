"""Kafka's classes, loaded and linked ahead of time: a start in half the time, from the second on.

A JVM from 25 on writes such a cache at its end when told to (`-XX:AOTCacheOutput`); that first end
takes five seconds longer. The JVM itself ignores a cache that does not fit; one with which a start
failed is thrown away. Nothing depends on it.
"""

import contextlib
import hashlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.java import AOT_CACHE_FROM, Java

# A cache is an aid: what the JVM cannot use of it is no warning to anybody.
QUIET: Final = "-Xlog:aot*=error"
# What the JVM exits with after SIGTERM: its last work, the cache among it, is done.
ENDED_CLEANLY: Final = 128 + signal.SIGTERM


@dataclass(frozen=True)
class AotCache:
    """The cache for one Java, one set of jars and one set of options.

    `recipe` is everything it depends on; `owner` tells instances apart that train at once.
    """

    folder: Path
    java: Java
    recipe: str
    owner: str

    @property
    def path(self) -> Path:
        """Where the finished cache lies."""
        digest = hashlib.sha256(f"{self.java.release}\n{self.recipe}".encode()).hexdigest()[:16]
        return self.folder / f"kafka-{digest}.aot"

    @property
    def part(self) -> Path:
        """Where the JVM writes a new one."""
        return self.path.with_suffix(f".{self.owner}.part")

    def options(self) -> list[str]:
        """What to add to the JVM's options: use the cache, make it, or nothing."""
        if self.path.exists():
            return self.use()
        if self.java.major < AOT_CACHE_FROM or not os.access(self.folder, os.W_OK):
            return []
        self.part.unlink(missing_ok=True)
        return [f"-XX:AOTCacheOutput={self.part}", QUIET]

    def use(self) -> list[str]:
        """What to add for a program that shall use the cache but never make it."""
        return [f"-XX:AOTCache={self.path}", QUIET] if self.path.exists() else []

    def settle(self, code: int) -> None:
        """Keep what a JVM that ended cleanly has made; drop what one that fell has used."""
        if code == ENDED_CLEANLY:
            # Another instance that settles at this moment may have forgotten the part.
            with contextlib.suppress(FileNotFoundError):
                self.part.replace(self.path)
                self._forget_others()
        else:
            self.part.unlink(missing_ok=True)
            if code > 0:  # it fell by itself; a negative code is a signal from outside
                self.drop()

    def _forget_others(self) -> None:
        """Caches of other versions, and parts of JVMs that never ended, take 70 MB each."""
        for path in self.folder.glob("kafka-*"):
            if path != self.path and path.suffix in {".aot", ".part", ".config"}:
                path.unlink(missing_ok=True)

    def drop(self) -> None:
        """Forget the cache: its jars are new, or a start with it failed."""
        self.path.unlink(missing_ok=True)
