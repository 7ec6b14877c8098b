"""`clean`: what can be made again goes, what people own stays."""

from conftest import Project


def test_what_people_own_stays(ran: Project) -> None:
    owned = {
        path: path.read_bytes()
        for folder in ("assets", "configs")
        for path in (ran.path / folder).rglob("*")
        if path.is_file()
    }
    ran.weasel("run", "clean")
    assert {path: path.read_bytes() for path in owned} == owned
    for folder in ("corpus", "training", "packages"):
        assert [path.name for path in (ran.path / folder).iterdir()] == [".gitkeep"]
