"""The connection to the host: frames, messages and shared memory, as sdk/WORKER.md describes them."""

import json
import mmap
import os
import queue
import socket
import struct
import threading
import weakref
from typing import Any

import numpy as np

from ._types import DTYPES, of_bfloat16

PROTOCOL = 1
LONGEST = 64 << 20
MOST_FILES = 64
ALIGNMENT = 64
PAGE = 4096
MOST_FREE = 256 << 20
# Of <fcntl.h> on Linux, for versions of Python that do not name them.
ADD_SEALS = 1033
SEAL_SHRINK_AND_GROW = 2 | 4


class Gone(Exception):
    """The host is gone."""


class Region:
    """A buffer of this process, which the host reads."""

    numbers = iter(range(1, 1 << 62))

    def __init__(self, size: int):
        self.id = next(self.numbers)
        self.size = -(-size // PAGE) * PAGE
        try:
            self.file = anonymous_file(self.size)
            self.memory = mmap.mmap(self.file, self.size)
        except OSError as error:
            raise MemoryError(f"there is no memory to pass {size} bytes of arrays to the host: {error}") from error

    def close(self) -> None:
        self.memory.close()
        os.close(self.file)


def anonymous_file(size: int) -> int:
    """A file in memory without a name. Its size can't change."""
    if not hasattr(os, "memfd_create"):
        import tempfile

        with tempfile.TemporaryFile() as file:
            file.truncate(size)
            return os.dup(file.fileno())
    file = os.memfd_create("splatgraph", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        # Takes the pages now, so that a write does not fail later.
        os.posix_fallocate(file, 0, size)
        # Windows has no such module, where only the other half of this package runs.
        import fcntl

        fcntl.fcntl(file, ADD_SEALS, SEAL_SHRINK_AND_GROW)
    except OSError:
        os.close(file)
        raise
    return file


class Channel:
    """One end of the connection."""

    def __init__(self, connection: socket.socket):
        self.connection = connection
        self.writing = threading.Lock()
        self.theirs: dict[int, tuple[int, int]] = {}
        """The files of the host's buffers, and their sizes."""
        self.lent: dict[int, Region] = {}
        self.known: set[int] = set()
        self.free: list[Region] = []
        self.buffers = threading.Lock()
        # An array may be collected at any moment, also while this thread writes, so another thread releases its buffer.
        self.released: queue.SimpleQueue = queue.SimpleQueue()
        threading.Thread(target=self._release, name="janitor", daemon=True).start()

    def _release(self) -> None:
        while True:
            ids = [self.released.get()]
            while not self.released.empty():
                ids.append(self.released.get())
            try:
                self.send({"release": ids})
            except Gone:
                return

    # Frames

    def read(self) -> Any:
        """The next message and its files; `None` when the host is gone."""
        length, files = b"", []
        while len(length) < 4:
            part, new, _, _ = socket.recv_fds(self.connection, 4 - len(length), MOST_FILES)
            files += new
            if not part:
                return None
            length += part
        size = struct.unpack("<I", length)[0]
        if size > LONGEST:
            raise ValueError(f"expected a message of at most {LONGEST} bytes, got {size}")
        parts = bytearray()
        while len(parts) < size:
            part = self.connection.recv(min(size - len(parts), 1 << 20))
            if not part:
                return None
            parts += part
        return json.loads(parts), files

    def send(self, message: Any, files: tuple[int, ...] = ()) -> None:
        # A text that is no Unicode, such as the name of a file, must not end the connection.
        text = json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode(errors="replace")
        if len(text) > LONGEST:
            raise ValueError(f"expected a message of at most {LONGEST} bytes, got {len(text)}; pass large data as arrays")
        frame = struct.pack("<I", len(text)) + text
        try:
            with self.writing:
                sent = socket.send_fds(self.connection, [frame], list(files)) if files else 0
                self.connection.sendall(memoryview(frame)[sent:])
        except OSError as error:
            raise Gone from error

    # Shared memory

    def take_in(self, message: dict[str, Any], files: list[int]) -> bool:
        """Takes in a message about shared memory. Returns whether it is one."""
        if "buffers" in message:
            for buffer, file in zip(message["buffers"], files, strict=True):
                self.theirs[buffer["id"]] = file, buffer["size"]
        elif "release" in message:
            with self.buffers:
                for id in message["release"]:
                    self.free.append(self.lent.pop(id))
                gone = []
                while sum(region.size for region in self.free) > MOST_FREE:
                    gone.append(self.free.pop(0))
                for region in gone:
                    self.known.discard(region.id)
                    region.close()
            if gone:
                self.send({"forget": [region.id for region in gone]})
        elif "forget" in message:
            for id in message["forget"]:
                # Arrays that are still there keep the memory.
                file, _ = self.theirs.pop(id)
                os.close(file)
        else:
            return False
        return True

    def array(self, field: dict[str, Any], loans: dict[int, np.ndarray]) -> np.ndarray:
        """The array in a buffer of the host. `loans` are the buffers that the message uses."""
        shape, buffer = field["shape"], field["buffer"]
        dtype = np.dtype("<u2" if field["dtype"] == "bf16" else DTYPES[field["dtype"]])
        count = int(np.prod(shape, dtype=np.int64))
        if count == 0:
            return np.empty(shape, dtype)
        if buffer not in loans:
            # For one use, private to this process, and not read-only: PyTorch ignores that an array is read-only, and a write to memory
            # that can't be written would end the process. Such a write changes a copy of the page, which the next use never sees.
            base = np.frombuffer(mmap.mmap(*self.theirs[buffer], access=mmap.ACCESS_COPY), np.uint8)
            base.setflags(write=False)
            # All arrays in the buffer refer to this one.
            weakref.finalize(base, self.released.put, buffer).atexit = False
            loans[buffer] = base
        start = field["offset"]
        array = loans[buffer][start:start + count * dtype.itemsize].view(dtype).reshape(shape)
        if field["dtype"] == "bf16":
            array = of_bfloat16(array)
        return array

    def lend(self, arrays: list[np.ndarray]) -> tuple[int, list[int]]:
        """Copies arrays into one buffer for the host. Returns its number and the place of each array there."""
        places, size = [], 0
        for array in arrays:
            places.append(size)
            size += -(-array.nbytes // ALIGNMENT) * ALIGNMENT
        with self.buffers:
            fitting = [region for region in self.free if size <= region.size <= 2 * size + (1 << 20)]
            region = min(fitting, key=lambda region: region.size, default=None)
            if region:
                self.free.remove(region)
        region = region or Region(size)
        for array, place in zip(arrays, places):
            if array.nbytes:
                into = np.frombuffer(region.memory, array.dtype, array.size, place).reshape(array.shape)
                into[...] = array
        with self.buffers:
            self.lent[region.id] = region
            is_new = region.id not in self.known
            self.known.add(region.id)
        if is_new:
            self.send({"buffers": [{"id": region.id, "size": region.size}]}, (region.file,))
        return region.id, places


def bits_of(number: float) -> int:
    """The bits of a float, as messages have them."""
    return struct.unpack("<Q", struct.pack("<d", number))[0]


def float_of(bits: int) -> float:
    return struct.unpack("<d", struct.pack("<Q", bits))[0]
