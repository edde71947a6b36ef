"""JupyterLab on the notebooks: its kernels work in the home of the folder where it was started."""

import shutil
from contextlib import suppress
from pathlib import Path

from workbench.exceptions import SettingsError
from workbench.jobs.reports import notebooks_folder
from workbench.paths import is_installed, local_path

__all__ = ["NOTEBOOKS", "lab_folder"]

NOTEBOOKS = Path("notebooks")
"""Default folder of the copies of the notebooks."""


def lab_folder(folder: Path | None = None) -> tuple[Path, tuple[str, ...]]:
    """Find the folder of notebooks that JupyterLab serves; from an installed package they are copied there first.

    What is in the folder stays as it is: a notebook that the reader has changed is never written over.

    Parameters
    ----------
    folder : Path, optional
        Folder for copies. Where omitted, a checkout serves its own notebooks, and an installed package copies them
        to `NOTEBOOKS` in the working directory.

    Returns
    -------
    Path
        Absolute.
    tuple of str
        Names of the notebooks that were copied just now.

    Raises
    ------
    SettingsError
        The folder is a URL or a file, or cannot be written.
    """
    source = notebooks_folder()
    if folder is None and not is_installed(source):
        return source, ()
    target = local_path("folder", NOTEBOOKS if folder is None else folder).absolute()
    copied = []
    try:
        target.mkdir(parents=True, exist_ok=True)
        for notebook in sorted(source.glob("*.ipynb")):
            with suppress(FileExistsError), (target / notebook.name).open("xb") as copy:
                with notebook.open("rb") as original:
                    shutil.copyfileobj(original, copy)
                copied.append(notebook.name)
    except OSError as error:
        raise SettingsError(
            f"The notebooks cannot be copied to {target}: {error.strerror}.",
            "Name a folder that you may write with --folder.",
        ) from None
    return target, tuple(copied)
