"""Kafka's jars: pinned by `jars.txt`, fetched once, checked by SHA-256 at every start.

jgo's lowest layer downloads one artifact at a time. Its resolver is not used: it caches a
half-built set of jars after a failed download and then reports success, and it resolves other
versions than Maven does.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploy.local.faults import LocalStackError

JARS_FILE = Path(__file__).with_name("jars.txt")
DOWNLOADS_AT_ONCE = 8
DOWNLOAD_TIMEOUT_S = 60
_LINE = re.compile(
    r"(?P<group>[\w.-]+):(?P<name>[\w.-]+):(?P<version>[\w.-]+) sha256:(?P<sha256>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Jar:
    """One pinned artifact."""

    group: str
    name: str
    version: str
    sha256: str

    @property
    def coordinate(self) -> str:
        """group:artifact:version."""
        return f"{self.group}:{self.name}:{self.version}"

    @property
    def path(self) -> Path:
        """Where it lies below the cache folder: the layout of a Maven repository."""
        folder = Path(*self.group.split("."), self.name, self.version)
        return folder / f"{self.name}-{self.version}.jar"


def pinned(text: str | None = None) -> tuple[Jar, ...]:
    """The jars of `jars.txt`, in its order. Lines that start with # are comments."""
    lines = (JARS_FILE.read_text(encoding="utf-8") if text is None else text).splitlines()
    jars = []
    for line in lines:
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise LocalStackError(f"{JARS_FILE.name} has a line that pins nothing: {line!r}.")
        jars.append(Jar(**match.groupdict()))
    return tuple(jars)


def classpath(jars: Sequence[Jar], cache: Path) -> str:
    """What java's -cp takes."""
    return ":".join(str(cache / jar.path) for jar in jars)


def fetch(jars: Sequence[Jar], cache: Path) -> int:
    """Make every jar lie in the cache with the pinned content; returns how many were fetched.

    A cached file with other content is fetched again; a fetched file with other content is
    refused and not kept.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        intact = list(pool.map(lambda jar: _is_intact(cache / jar.path, jar.sha256), jars))
    missing = [jar for jar, ok in zip(jars, intact, strict=True) if not ok]
    if missing:
        with tempfile.TemporaryDirectory(dir=cache, prefix=".part-") as part:
            _fetch_missing(missing, Path(part), cache)
    return len(missing)


def _fetch_missing(jars: Sequence[Jar], part: Path, cache: Path) -> None:
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        downloads = [(jar, pool.submit(download, jar, part)) for jar in jars]
        for jar, download_of in downloads:
            try:
                path = download_of.result()
            except Exception as fault:
                for _, other in downloads:
                    other.cancel()
                raise LocalStackError(
                    f"{jar.coordinate} could not be fetched ({type(fault).__name__}): "
                    "is this machine connected?"
                ) from fault
            keep(jar, path, cache)


def keep(jar: Jar, path: Path, cache: Path) -> None:
    """Move a downloaded file into the cache, or refuse it when its digest is not the pinned one."""
    if not _is_intact(path, jar.sha256):
        path.unlink(missing_ok=True)
        raise LocalStackError(
            f"{jar.coordinate} was refused: its SHA-256 is not the one pinned in {JARS_FILE.name}."
        )
    target = cache / jar.path
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, target)


def download(jar: Jar, folder: Path) -> Path:
    """Fetch one artifact below `folder`. jgo knows the public repository; we name no host."""
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=folder, timeout=DOWNLOAD_TIMEOUT_S)
    return Path(context.create_dependency(jar.coordinate).artifact.resolve())


def _is_intact(path: Path, sha256: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except FileNotFoundError:
        return False
