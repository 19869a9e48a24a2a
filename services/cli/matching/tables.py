"""CSV files line by line: decoded, unpacked, cleaned; what cannot be read says in which row."""

import codecs
import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO

SEPARATORS = ",;\t|"
LARGEST_FIELD = 1 << 17
LONGEST_LINE = 1 << 20
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class UnreadableError(Exception):
    """A file that cannot be used; the message says where and why."""


class Lines:
    """The lines of a text file, plain or packed with gzip. `row` counts from 1."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.path = path
        self.row = 0
        self.with_nul: list[int] = []
        self._encoding = encoding
        try:
            codecs.lookup(encoding)
        except LookupError as error:
            raise UnreadableError(f"--encoding {encoding}: no such encoding is known") from error

    def __iter__(self) -> Iterator[str]:
        """Each line as text. NUL characters go: no name has one, and the CSV reader stops at them.

        Their rows are kept in `with_nul`.
        """
        self.row = 0
        with self._opened() as raw:
            if raw.peek(2)[:2] in _UTF_16:  # type: ignore[attr-defined]
                raise UnreadableError(f"{self.path.name}: saved as UTF-16; save it as UTF-8")
            while line := self._next(raw):
                if "\0" in line:
                    self.with_nul.append(self.row)
                yield line.replace("\0", "")

    def at(self, column: str = "") -> str:
        """The place in the file that was read last."""
        return f"{self.path.name} row {self.row}" + (f", column {column}" if column else "")

    def _next(self, raw: IO[bytes]) -> str:
        self.row += 1
        try:
            line = raw.readline(LONGEST_LINE)
            if len(line) >= LONGEST_LINE:
                raise UnreadableError(f"{self.at()}: longer than {LONGEST_LINE} bytes")
            return line.decode(self._encoding)
        except UnicodeDecodeError as error:
            raise UnreadableError(
                f"{self.at()}: byte {error.start + 1} is not {self._encoding}; "
                "save the file as UTF-8, or name its encoding with --encoding"
            ) from error
        except (OSError, EOFError) as error:
            raise UnreadableError(f"{self.at()}: {error}") from error

    def _opened(self) -> IO[bytes]:
        try:
            packed = self.path.suffix == ".gz"
            return gzip.open(self.path) if packed else self.path.open("rb")  # type: ignore[return-value]
        except OSError as error:
            raise UnreadableError(f"{self.path}: {error.strerror or error}") from error


def rows(lines: Lines, separator: str = "") -> Iterator[list[str]]:
    """The values of each row that is not blank, without spaces around them."""
    csv.field_size_limit(LARGEST_FIELD)
    text = iter(lines)
    first = next(text, "")
    chosen = separator or max(SEPARATORS, key=first.count)
    reader = csv.reader(_after(first, text), delimiter=chosen, skipinitialspace=True, strict=True)
    try:
        for values in reader:
            if any(values):
                yield [value.strip() for value in values]
    except csv.Error as error:
        raise UnreadableError(f"{lines.at()}: {error}") from error


def table(path: Path, columns: tuple[str, ...], encoding: str) -> Iterator[dict[str, str]]:
    """The rows of a small file that must have these columns."""
    lines = Lines(path, encoding)
    content = rows(lines)
    headings = [heading.lower() for heading in next(content, [])]
    missing = [column for column in columns if column not in headings]
    if missing:
        raise UnreadableError(f"{path.name} row 1: no column {missing[0]}")
    for values in content:
        if len(values) != len(headings):
            raise UnreadableError(f"{lines.at()}: {len(values)} values for {len(headings)} columns")
        yield dict(zip(headings, values, strict=True))


def _after(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
        yield from rest
