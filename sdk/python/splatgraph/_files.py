"""Files that nodes read, also inside .tar shards."""

import io
import os
import tarfile
import threading
from pathlib import Path
from typing import BinaryIO, Union

_SHARDS = 8
"""How many indexes of shards stay in memory."""

_known: dict[tuple, dict[str, tuple[int, int]]] = {}
"""The start and length of each member, by the path and state of its shard. The last one was used last."""
_lock = threading.Lock()


def open_file(path: Union[str, "os.PathLike[str]"]) -> BinaryIO:
    """Opens a file for reading bytes. A path that continues behind a .tar file names a member: `val-0003.tar/n01440764/1.jpg`.

    A node that opens its files with this function reads data sets in shards without unpacking them. The members of a shard are
    listed once, and a member is read in its place.

    Raises:
        FileNotFoundError: There is no such file or member.
        OSError: The file or shard can't be read; a compressed shard is one of them.
    """
    path = Path(path)
    shard = next((above for above in path.parents if above.suffix.lower() == ".tar" and above.is_file()), None)
    if shard is None:
        return open(path, "rb")
    name = path.relative_to(shard).as_posix()
    file = open(shard, "rb")
    try:
        place = _members(shard, file).get(name)
        if place is None:
            raise FileNotFoundError(f"expected a member of a shard, got none of the name {name!r}: {shard}")
        return io.BufferedReader(_Member(file, *place))
    except BaseException:
        file.close()
        raise


def _members(shard: Path, file: BinaryIO) -> dict[str, tuple[int, int]]:
    about = os.fstat(file.fileno())
    key = (str(shard), about.st_ino, about.st_size, about.st_mtime_ns)
    with _lock:
        members = _known.pop(key, None)
    if members is None:
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                # Of equal names the last counts, as when the shard is unpacked. Links and sparse files have no bytes in one place.
                members = {os.path.normpath(m.name): (m.offset_data, m.size) for m in tar if m.isreg() and not m.issparse()}
        except tarfile.TarError as error:
            raise OSError(f"expected a .tar file without compression, got another or a damaged one ({error}): {shard}") from error
    with _lock:
        _known[key] = members
        while len(_known) > _SHARDS:
            del _known[next(iter(_known))]
    return members


class _Member(io.RawIOBase):
    """The bytes of a member."""

    def __init__(self, file: BinaryIO, start: int, length: int):
        self._file, self._start, self._length, self._at = file, start, length, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        if at < 0:
            raise OSError(f"expected a place of at least 0 bytes, got {at}")
        self._at = at
        return at

    def readinto(self, buffer) -> int:
        count = min(len(buffer), max(self._length - self._at, 0))
        self._file.seek(self._start + self._at)
        bytes = self._file.read(count)
        buffer[: len(bytes)] = bytes
        self._at += len(bytes)
        return len(bytes)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
