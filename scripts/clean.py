"""Remove everything that the commands made and can make again."""

import shutil
from pathlib import Path

from distill.errors import run
from wasabi import msg


def main(folders: list[Path]) -> None:
    """Empty FOLDERS (their `.gitkeep` stays) and forget weasel's lock. What people own, in assets/ and configs/,
    stays."""
    removed = 0
    for folder in folders:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name != ".gitkeep":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                removed += 1
    Path("project.lock").unlink(missing_ok=True)
    msg.good(f"{', '.join(map(str, folders))}: {removed} files and folders removed; `weasel run all` makes them again")


if __name__ == "__main__":
    run(main)
