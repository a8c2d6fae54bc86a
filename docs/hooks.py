"""What MkDocs does besides: pages of the repository's root, and formulas without a script.

Files outside docs/ that the pages link to become pages of the site, and links to them follow.
"""

import html
import os.path
import posixpath
import re
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
#: Files outside docs/ by the address of their page.
PAGES = {
    "project/readme.md": "README.md",
    "project/results.md": "RESULTS.md",
    "project/changelog.md": "CHANGELOG.md",
    "project/contributing.md": "CONTRIBUTING.md",
    "project/android.md": "android_demo/README.md",
    "project/keypoints.md": "android_demo/KEYPOINTS.md",
    "project/LICENSE": "LICENSE",
    "project/CITATION.cff": "CITATION.cff",
}
_SITE = {source: page for page, source in PAGES.items()}
_LINK = re.compile(r"(\]\()([^)#\s:]+)((?:#[^)\s]*)?\))")
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\s*\\[(\[](.*?)\\[)\]]\s*</\1>', re.DOTALL)
# Pages of notebooks hold a script that would load a drawing library from another host.
_OUTSIDE = re.compile(
    r'<script type="module">(?:(?!</script>).)*https:(?:(?!</script>).)*</script>', re.DOTALL
)


def on_files(files: Files, config) -> Files:
    """Add the files outside docs/."""
    for page, source in PAGES.items():
        content = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, page, config, files) -> str:
    """Turn links between places of the repository into links between pages of the site."""
    address = page.file.src_uri
    source = PAGES.get(address, f"docs/{address}")

    def linked(match: re.Match) -> str:
        place = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[2]))
        target = _SITE.get(place, place.removeprefix("docs/"))
        return match[1] + os.path.relpath(target, posixpath.dirname(address) or ".") + match[3]

    return _LINK.sub(linked, markdown)


def on_page_content(content: str, **_) -> str:
    """Write formulas as MathML, which browsers draw without a script; load nothing from outside."""
    return _FORMULA.sub(_drawn, _OUTSIDE.sub("", content))


def _drawn(match: re.Match) -> str:
    display = "block" if match[1] == "div" else "inline"
    formula = convert(html.unescape(match[2]), display=display)
    return f'<div class="math">{formula}</div>' if display == "block" else formula
