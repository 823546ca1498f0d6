"""Models: those that are built in, files, and repositories that are named."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple, Union

from . import _pidinet
from ._pidinet import ModelError

ModelLike = Union["Model", str, "os.PathLike[str]", bytes]
"""A name, a path, the bytes of a file, `"org/repository[:file][@revision]"`, or a `Model`."""

DEFAULT = "tiny"
EXTENSIONS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt")
_REPOSITORY = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?::(?P<file>[^@]+))?(?:@(?P<revision>.+))?")


class ModelInfo(NamedTuple):
    """What is known about a model. Empty texts are unknown."""

    name: str
    task: str
    """`edges` or `recognition`."""
    licence: str
    """Under which terms it may be used, an SPDX expression where there is one."""
    training_data: str
    parameters: int
    bytes: int
    """Of its file."""
    sha256: str
    """Of its file."""
    scores: dict[str, float]
    """By names such as `bsds500.test.ods`."""
    preset: str | None
    """How it wants its input, `imagenet` or `controlnet`; nothing for recognition."""
    provenance: str


class Model:
    """A model; `Model.open` gives one.

    >>> pidinet.Model.open("tiny").info.licence
    'MIT OR Apache-2.0'
    """

    __slots__ = ("_core", "_source")

    def __init__(self, core: _pidinet.Model | _pidinet.RecognitionModel, source: _Source) -> None:
        self._core = core
        self._source = source

    @classmethod
    def open(
        cls,
        source: ModelLike | None = None,
        *,
        config: str | None = None,
        theta: float | None = None,
        detail: float | None = None,
    ) -> Model:
        """A model by its name, path or bytes, or of a repository of huggingface.co, as `"org/repository:file@revision"`.

        Names are those that are built in (`pidinet.models()`), then those of files in the folder that the environment
        variable `PIDINET_MODELS` names. Nothing is downloaded but what a repository is named for. Without a source, it is
        what the environment variable `PIDINET_MODEL` says, else `tiny`.

        `config` (`carv4`, `baseline`, ...) and `theta` are for PyTorch checkpoints, which do not say them. `detail` is for
        `tiny`, `small` and `full`: from 0, the boundaries of objects, to 1, every edge.
        """
        if source is None:
            source = os.environ.get("PIDINET_MODEL") or DEFAULT
        if isinstance(source, Model):
            if detail is not None:
                raise ValueError("a detail is for the name of a pair of models; Model.mix mixes own ones")
            return source
        if detail is not None:
            return cls._at_detail(source, detail)
        if isinstance(source, (bytes, bytearray, memoryview)):
            return cls(_pidinet.read_model(bytes(source), config, theta), _Source(None, None))
        if not isinstance(source, (str, os.PathLike)):
            raise TypeError(f"{type(source).__name__} is no model: expected a name, a path, or the bytes of a file")
        found = os.fspath(source)
        if isinstance(source, str):
            if source in _embedded():
                return cls._named(source)
            found = _located(source)
        return cls(_pidinet.open_model(found, config, theta), _Source(None, None))

    @classmethod
    def _named(cls, name: str) -> Model:
        return cls(_pidinet.read_model(_embedded()[name], None, None), _Source(name, None))

    @classmethod
    def _at_detail(cls, name: Any, detail: float) -> Model:
        detail = float(detail)
        if not 0 <= detail <= 1:
            raise ValueError(f"detail {detail}: expected 0, the boundaries of objects, to 1, every edge")
        if not isinstance(name, str):
            raise ValueError("a detail is for the name of a pair of models; Model.mix mixes own ones")
        return cls(_pidinet.Model.at_detail(name, detail), _Source(name, detail))

    @staticmethod
    def mix(boundaries: ModelLike, edges: ModelLike, share: float) -> Model:
        """A model between two that were trained one from the other: the first at a share of 0, the second at 1.

        >>> pidinet.Model.mix("tiny", "tiny-edges", 0.25).info.task
        'edges'
        """
        first, second = (Model.open(model).for_edges() for model in (boundaries, edges))
        return Model(first.mixed(second, float(share)), _Source(None, None))

    @property
    def info(self) -> ModelInfo:
        """What is known about it."""
        import hashlib

        name = self._source.name
        data = _embedded()[name] if name and self._source.detail is None else self.to_bytes()
        return ModelInfo(
            **self._core.info(), bytes=len(data), sha256=hashlib.sha256(data).hexdigest()
        )

    def to_bytes(self) -> bytes:
        """The content of a safetensors file with the model."""
        return self._core.to_bytes()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the model as a safetensors file, whole or not at all."""
        self._core.save(os.fspath(path))

    def for_edges(self) -> _pidinet.Model:
        """What finds edges."""
        if not isinstance(self._core, _pidinet.Model):
            raise ModelError("this model is for recognition: use pidinet.Classifier")
        return self._core

    def for_recognition(self) -> _pidinet.RecognitionModel:
        """What recognises."""
        if not isinstance(self._core, _pidinet.RecognitionModel):
            raise ModelError("this model finds edges: use pidinet.EdgeDetector")
        return self._core

    def __reduce__(self) -> tuple[Any, ...]:
        if self._source.name:
            return _restored, (self._source.name, self._source.detail)
        return _restored, (self.to_bytes(), None)

    def __repr__(self) -> str:
        if self._source.detail is not None:
            return f"<pidinet.Model {self._source.name!r} at detail {self._source.detail}>"
        return f"<pidinet.Model {self._core.info()['name']!r}>"


class _Source(NamedTuple):
    """Where a model that is built in comes from."""

    name: str | None
    detail: float | None


def _restored(source: str | bytes, detail: float | None) -> Model:
    return Model.open(source, detail=detail)


def models() -> list[ModelInfo]:
    """What is built in.

    >>> [model.name for model in pidinet.models()]
    ['tiny', 'tiny-edges', 'small', 'small-edges', 'full', 'full-edges', 'bi-pidinet-s']
    """
    return [Model._named(name).info for name in _embedded()]


def build_info() -> dict[str, Any]:
    """What this build is: its version, the instruction set that it uses here, those that it could, threads, models.

    >>> sorted(pidinet.build_info())
    ['isa', 'isas', 'models', 'threads', 'version']
    """
    return _pidinet.build_info()


def _embedded() -> dict[str, bytes]:
    return {name: data for name, _, data in _pidinet.embedded()}


def _located(name: str) -> str:
    """The file of a model: of its name in the user's folder, its path, or a copy of one in a repository."""
    folder = os.environ.get("PIDINET_MODELS")
    if folder and os.sep not in name:
        for extension in ("", *EXTENSIONS):
            if os.path.isfile(path := os.path.join(folder, name + extension)):
                return path
    if os.path.exists(name) or name.lower().endswith(EXTENSIONS):
        return name  # who opens it says that it is missing
    match = _REPOSITORY.fullmatch(name)
    if match:
        return downloaded(match["repository"], match["file"] or "model.safetensors", revision=match["revision"])
    if os.sep in name:
        return name
    names = list(_embedded())
    if folder and os.path.isdir(folder):
        names += sorted(os.path.splitext(file)[0] for file in os.listdir(folder) if file.endswith(EXTENSIONS))
    near = _pidinet.near(name, names)
    way = f"did you mean {' or '.join(near)}?" if near else f"models: {', '.join(names)}"
    raise ModelError(f"there is no model or file `{name}`; {way}")


def downloaded(
    repository: str,
    file: str,
    *,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> str:
    """The path of a file of a repository of huggingface.co, downloaded if it was not before."""
    try:
        from huggingface_hub import hf_hub_download  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise ImportError(
            f"to download {file} of {repository}, install huggingface_hub: pip install 'pidinet[hub]'. Or give the path of "
            "a file that you have"
        ) from error
    path = hf_hub_download(
        repository, file, revision=revision, cache_dir=cache_dir, local_files_only=local_files_only
    )
    return str(path)
