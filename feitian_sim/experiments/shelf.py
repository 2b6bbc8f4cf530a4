"""The shelf: where shipped scenarios stand, and which there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from feitian_sim.kernel import ScenarioError
from feitian_sim.scenario.problems import suggestion

VALIDATION = "validation"


@dataclass(frozen=True, slots=True)
class Shelved:
    """A scenario on the shelf: its path under the folder without ``.yaml``, and the question that it asks."""

    id: str
    path: Path
    question: str


def folder() -> Path:
    """The folder of scenarios: ``scenarios`` here, or in the checkout that this code runs from."""
    here = Path("scenarios")
    if here.is_dir():
        return here
    checkout = Path(__file__).resolve().parents[2] / "scenarios"
    if checkout.is_dir():
        return checkout
    raise ScenarioError("there is no folder scenarios here: run this in a checkout, or start with `feitian init`")


def shelved() -> Iterator[Shelved]:
    """Every scenario on the shelf, by path."""
    root = folder()
    for path in sorted(root.rglob("*.yaml")):
        name = path.relative_to(root).with_suffix("").as_posix()
        yield Shelved(name, path, _question(path))


def validations(names: tuple[str, ...] = ()) -> list[Path]:
    """The validation scenarios of these names, or all. Raises ScenarioError for a name that is not there."""
    paths = {path.stem: path for path in sorted((folder() / VALIDATION).glob("*.yaml"))}
    for name in names:
        if name not in paths:
            raise ScenarioError(f"there is no validation {name!r}{suggestion(name, paths)}")
    return [paths[name] for name in names] if names else list(paths.values())


def _question(path: Path) -> str:
    """The question of a scenario, read without loading it, so that a broken one is still listed."""
    from feitian_sim.scenario.source import read

    try:
        source, _ = read(path)
    except ScenarioError as error:
        return f"(cannot be read: {str(error).splitlines()[0]})"
    said = source.data.get("question") or source.data.get("description") or ""
    return " ".join(str(said).split())
