"""Citations of the pages in docs/papers/ name pages and sections that exist."""

import itertools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

NUMBER = r"\d+(?:\.\d+)*"
# Citations go on in the next line of a docstring or comment.
SPACE = r"[\s#*]+"
SECTIONS = rf"(?:[,;]?{SPACE}(?:(?:and|or|to){SPACE})?§{NUMBER}(?:[-–]{NUMBER})?)*"
CITATION = re.compile(rf"docs/papers/([\w-]+)\.md({SECTIONS})")
HEADING = re.compile(rf"^#{{2,6}} ({NUMBER})\.? ", re.MULTILINE)
# Specifications that are not in the repository, by their folder or as "spec".
OUTSIDE = re.compile(r"\bspecs[/]|\b[Ss]pec (?:\w+ )?§")


def tracked_texts(root: Path) -> Iterator[tuple[str, str]]:
    """(name, content) of every text file that git tracks."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True)
    if listed.returncode:
        pytest.skip("not a git checkout, so that no files are tracked")
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = root / name
        # A file may be deleted and not yet committed; pictures and models are not text.
        if path.is_file():
            try:
                yield name, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def at(name: str, text: str, match: re.Match) -> str:
    line = text.count("\n", 0, match.start()) + 1
    return f"{name}:{line}: {' '.join(match[0].split())}"


def sections_of(page: str) -> set[str]:
    """Section numbers in the headings of a page."""
    return set(HEADING.findall(page))


def bad_citations(name: str, text: str, pages: dict[str, set[str]]) -> list[str]:
    """Citations in a text of a page or a section that does not exist.

    Args:
        name: of the file.
        text: its content.
        pages: numbers of the headings of each page.
    """
    bad = []
    for match in CITATION.finditer(text):
        page, tail = match.groups()
        if page not in pages:
            bad.append(f"{at(name, text, match)}: there is no such page")
            continue
        cited = re.findall(NUMBER, tail)
        absent = [f"§{number}" for number in cited if number not in pages[page]]
        if absent:
            bad.append(f"{at(name, text, match)}: the page has no {', '.join(absent)}")
    return bad


def test_every_cited_page_and_section_exists(root):
    folder = root / "docs" / "papers"
    pages = {path.stem: sections_of(path.read_text("utf-8")) for path in folder.glob("*.md")}
    bad = [line for name, text in tracked_texts(root) for line in bad_citations(name, text, pages)]
    assert not bad, "\n" + "\n".join(bad)


def test_nothing_cites_a_specification_that_is_not_in_the_repository(root):
    bad = [
        at(name, text, match)
        for name, text in tracked_texts(root)
        for match in OUTSIDE.finditer(text)
    ]
    assert not bad, "\n" + "\n".join(bad)


def test_section_numbers_are_unique_and_ascend(root):
    for path in sorted((root / "docs" / "papers").glob("*.md")):
        headings = HEADING.findall(path.read_text("utf-8"))
        numbers = [tuple(map(int, number.split("."))) for number in headings]
        assert numbers, f"{path.name} has no numbered heading"
        for before, after in itertools.pairwise(numbers):
            assert before < after, f"{path.name}: section {after} comes after {before}"


PAGE = "docs" + "/papers/"


@pytest.mark.parametrize(
    ("citation", "says"),
    [
        ("a.md §1", ""),
        ("a.md §1.2, §2 and §1", ""),
        ("a.md §1.1-1.2", ""),
        ("a.md\n    # §2", ""),
        ("a.md", ""),
        ("b.md §1", "there is no such page"),
        ("a.md §3", "the page has no §3"),
        ("a.md §1 and §1.3", "the page has no §1.3"),
        ("a.md §1.1-1.9", "the page has no §1.9"),
        ("a.md,\n * §7", "the page has no §7"),
    ],
)
def test_a_bad_citation_is_noticed_with_its_file_and_line(citation, says):
    pages = {"a": sections_of("# Title\n\n## 1. One\n### 1.1 x\n### 1.2 y\n## 2. Two\n")}
    bad = bad_citations("x.py", f"first line\n({PAGE}{citation})", pages)
    if says:
        assert len(bad) == 1
        assert bad[0].startswith("x.py:2: ")
        assert bad[0].endswith(says)
    else:
        assert not bad
