"""What a power cut leaves of a folder: from the journal that machine_disk.cc keeps.

A file keeps what was synced and by chance some of what came after; names that were made, changed
or taken away since their folder was synced are by chance as before: a prefix of these changes
stays, since file systems write them in order.
"""

import os
import pathlib
import shutil


class _Journal:
    """What of a folder is synced, and which changes of names are not."""

    def __init__(self, text):
        self.synced = {}  # Inode -> length
        self.pending = []  # Lines C, R and U, oldest first.
        for line in text.splitlines():
            fields = line.split("\t")
            if fields[0] == "S":
                inode = int(fields[1])
                self.synced[inode] = max(self.synced.get(inode, 0), int(fields[2]))
            elif fields[0] == "D":
                self.pending = [p for p in self.pending if self.folder_of(p) != fields[1]]
            elif fields[0] in ("C", "R", "U"):
                self.pending.append(fields)

    @staticmethod
    def folder_of(change):
        """A file that goes to another folder counts as a change of the one it came to."""
        return os.path.dirname(change[3] if change[0] == "R" else change[2])


def _inode(path):
    try:
        return os.lstat(path).st_ino
    except OSError:
        return None


def _undo(change):
    """Takes a change of names back; one that did not come to pass stays so."""
    kind, inode = change[0], int(change[1])
    if kind == "C" and _inode(change[2]) == inode:
        os.unlink(change[2])
    elif kind == "R" and _inode(change[3]) == inode and _inode(change[2]) is None:
        os.rename(change[3], change[2])
        if change[4] != "-":
            os.link(change[4], change[3])
    elif kind == "U" and _inode(change[2]) is None and os.path.isdir(os.path.dirname(change[2])):
        os.link(change[3], change[2])


def _cut_files(folder, synced, chance):
    cut = 0
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        info = path.lstat()
        safe = min(synced.get(info.st_ino, 0), info.st_size)
        length = chance.choice([safe, info.st_size, chance.randint(safe, info.st_size)])
        if length < info.st_size:
            os.truncate(path, length)
            cut += info.st_size - length
    return cut


def cut_power(folder, journal, shadow, chance):
    """Call it when the processes are dead; gives how many changes of names and bytes were lost.
    Afterwards all is as if it had been synced, and the journal is empty."""
    journal = pathlib.Path(journal)
    read = _Journal(journal.read_text(encoding="utf-8") if journal.exists() else "")
    kept = chance.randint(0, len(read.pending))
    lost = read.pending[kept:]
    for change in reversed(lost):
        _undo(change)
    lost_bytes = _cut_files(folder, read.synced, chance)
    settle(folder, journal, shadow)
    return {"names": len(lost), "bytes": lost_bytes}


def settle(folder, journal, shadow):
    """All that is there is synced from now on."""
    shutil.rmtree(shadow, ignore_errors=True)
    pathlib.Path(shadow).mkdir(parents=True)
    lines = []
    for path in pathlib.Path(folder).rglob("*"):
        if path.is_file():
            info = path.lstat()
            lines.append(f"S\t{info.st_ino}\t{info.st_size}\n")
    pathlib.Path(journal).write_text("".join(lines), encoding="utf-8")
