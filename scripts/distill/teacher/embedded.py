"""The embedded teacher: llama.cpp's own server in this process, OpenAI-compatible, on a free loopback port."""

import functools
import os
from pathlib import Path
from typing import Any

from distill.errors import DistillError
from distill.files import file_digest


def verify(gguf: Path, sha256: str | None) -> None:
    """Raise DistillError where the model file is missing or is not the one that `sha256` names."""
    if not gguf.exists():
        raise DistillError(
            f"{gguf}: the teacher's model file is not there",
            "Run `weasel run fetch-teacher`, or set `gguf` or `base_url` in configs/teacher.cfg to another teacher.",
        )
    if sha256 and (found := file_digest(gguf)) != sha256:
        raise DistillError(
            f"{gguf}: expected SHA-256 {sha256}, got {found}",
            "Delete the file and run `weasel run fetch-teacher`; for a file of your own set `gguf_sha256`.",
        )


@functools.cache
def serve(gguf: Path, context: int) -> str:
    """Start a server for a model file, once a process, and return its base URL.

    context: tokens that a request and its answer may take together. One slot: on few cores more of them gain nothing.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(gguf)
    params.n_ctx = context
    params.n_parallel = 1
    params.n_gpu_layers = 0
    # Its threads wait for each other in a loop: one that has to share its core with something else holds all of them up
    params.cpuparams.n_threads = max(1, (os.cpu_count() or 2) - 1)
    params.port = 0
    params.verbosity = -1
    params.ui = False
    server = xllamacpp.Server(params)
    _alive.append(server)
    return f"{server.listening_address}/v1"


_alive: list[Any] = []
