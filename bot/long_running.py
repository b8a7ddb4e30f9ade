"""Make ready for a process that lives for months and takes in requests all the time."""

import ctypes
import gc

# https://www.gnu.org/software/libc/manual/html_node/Malloc-Tunable-Parameters.html
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
# A piece of a body (`webhooks.decompress`) comes out of the heap, and the heap keeps room for a few: else every request
# asks the system for fresh pages and gives them back, which costs a third of what unpacking the body does.
FROM_HEAP_BYTES = 4 * 1024 * 1024
KEPT_FREE_BYTES = 32 * 1024 * 1024


def settle() -> None:
    """Spare the requests to come what was made once: no look at it by the collector, no return of its memory."""
    gc.collect()
    gc.freeze()
    allocator = getattr(ctypes.CDLL(None), "mallopt", None)
    if allocator:  # glibc's alone
        allocator(M_MMAP_THRESHOLD, FROM_HEAP_BYTES)
        allocator(M_TRIM_THRESHOLD, KEPT_FREE_BYTES)
