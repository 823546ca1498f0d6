"""Folders of this machine, of shared disks and of object stores, as pyarrow has them, and files that are whole or not there."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

# What is looked for in folders.
IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".pnm", ".pbm", ".pgm", ".ppm")

# In these a file appears when it is whole, and moving one means copying it.
_OBJECT_STORES = ("s3", "gcs", "gs", "abfs", "az", "oss", "oci")


class Folder(NamedTuple):
    """A folder."""

    filesystem: Any
    """A file system of pyarrow."""
    path: str
    """In it, without a slash at its end."""

    @classmethod
    def at(cls, where: str | os.PathLike[str], filesystem: Any = None) -> Folder:
        """The folder of a path or a URL; `filesystem` is one of pyarrow or fsspec to find a path in."""
        pyarrow, fs = _pyarrow()
        text = os.fspath(where)
        if filesystem is not None:
            if not isinstance(filesystem, fs.FileSystem):
                filesystem = fs.PyFileSystem(fs.FSSpecHandler(filesystem))
            return cls(filesystem, text.rstrip("/"))
        if "://" not in text:
            return cls(fs.LocalFileSystem(), os.path.abspath(text).replace(os.sep, "/"))
        try:
            found, path = fs.FileSystem.from_uri(text)
        except pyarrow.ArrowInvalid:  # not one of pyarrow's own
            import fsspec  # type: ignore[import-not-found, import-untyped, unused-ignore]

            other, path = fsspec.core.url_to_fs(text)
            found = fs.PyFileSystem(fs.FSSpecHandler(other))
        return cls(found, path.rstrip("/"))

    def names(self) -> list[str]:
        """All files in it and in its folders, as paths below it with slashes, sorted; none if there is no such folder."""
        _, fs = _pyarrow()
        selector = fs.FileSelector(self.path, recursive=True, allow_not_found=True)
        below = len(self.path) + 1
        files = (info for info in self.filesystem.get_file_info(selector) if info.type == fs.FileType.File)
        return sorted(info.path[below:] for info in files)

    def exists(self) -> bool:
        """Whether there is such a folder."""
        _, fs = _pyarrow()
        return bool(self.filesystem.get_file_info(self.path).type == fs.FileType.Directory)

    def read(self, name: str) -> bytes:
        """A file of it."""
        with self.filesystem.open_input_stream(f"{self.path}/{name}") as file:
            return bytes(file.read())

    def write(self, name: str, data: bytes, job: str) -> None:
        """Writes a file of it, whole or not at all. What is left of it where a process dies ends with `job` and `.part`."""
        target = f"{self.path}/{name}"
        if self._is_object_store():
            self._fill(target, data)
            return
        part = f"{target}.{os.getpid()}-{job}.part"
        self.filesystem.create_dir(target.rpartition("/")[0], recursive=True)
        try:
            self._fill(part, data)
            self.filesystem.move(part, target)
        except BaseException:
            self._remove(part)
            raise

    def sweep(self, job: str) -> None:
        """Removes what processes of a job left that died."""
        for name in self.names():
            if name.endswith(f"-{job}.part"):
                self._remove(f"{self.path}/{name}")

    def inside(self, other: Folder) -> str | None:
        """The path of this folder below the other, if it is there."""
        if self.filesystem != other.filesystem or not f"{self.path}/".startswith(f"{other.path}/"):
            return None
        return self.path[len(other.path) + 1 :]

    def _fill(self, path: str, data: bytes) -> None:
        with self.filesystem.open_output_stream(path) as file:
            file.write(data)

    def _remove(self, path: str) -> None:
        try:
            self.filesystem.delete_file(path)
        except OSError:
            pass

    def _is_object_store(self) -> bool:
        kind = str(self.filesystem.type_name)
        return any(store in kind.replace("(", " ").replace("'", " ").replace("+", " ").split() for store in _OBJECT_STORES)


def _pyarrow() -> tuple[Any, Any]:
    """pyarrow and its file systems."""
    try:
        import pyarrow  # type: ignore[import-not-found, import-untyped, unused-ignore]
        import pyarrow.fs  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        raise ImportError("this needs Ray Data: pip install 'pidinet[ray]'") from error
    return pyarrow, pyarrow.fs
