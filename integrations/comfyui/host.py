"""What ComfyUI does for nodes: progress, cancelling, folders of models."""

from __future__ import annotations

import os
from typing import Callable

# The folder of models, below ComfyUI's own or wherever `extra_model_paths.yaml` says.
FOLDER = "pidinet"
EXTENSIONS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt")


def progress(steps: int) -> Callable[[], None]:
    """What to call after each step, so that ComfyUI shows it."""
    from comfy.utils import ProgressBar

    bar = ProgressBar(steps)
    return lambda: bar.update(1)


def stop_if_cancelled() -> None:
    """Raises ComfyUI's own exception if the user cancelled."""
    from comfy.model_management import throw_exception_if_processing_interrupted

    throw_exception_if_processing_interrupted()


def model_files() -> list[str]:
    """The names of the files in the folder of models."""
    import folder_paths

    # Said each time, as it changes nothing the second time, and the list is asked for when pages load.
    folder_paths.add_model_folder_path(FOLDER, os.path.join(folder_paths.models_dir, FOLDER))
    return [name for name in folder_paths.get_filename_list(FOLDER) if name.lower().endswith(EXTENSIONS)]


def model_path(name: str) -> str:
    """The path of a file in the folder of models."""
    import folder_paths

    if name not in model_files():
        raise FileNotFoundError(f"there is no model {name} in models/{FOLDER}")
    return str(folder_paths.get_full_path(FOLDER, name))
