"""A page of answers: the clip on top, and a thumbnail of each of its nearest entries.

The page is one file without scripts, pictures of people or anything to load.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from slr_keras.data.contract import KeypointContract
from slr_keras.dictionary.answering import Answer
from slr_keras.dictionary.dictionary import Dictionary, Neighbour
from slr_keras.dictionary.thumbnail import STYLE, thumbnail
from slr_keras.utils.files import write_text


def write_page(path: Path, answers: Sequence[Answer], dictionary: Dictionary) -> None:
    """Write the page of some answers, atomically."""
    write_text(path, page(answers, dictionary))


def page(answers: Sequence[Answer], dictionary: Dictionary) -> str:
    """The HTML text of the page."""
    contract = dictionary.encoder.contract
    sections = "".join(_section(answer, dictionary, contract) for answer in answers)
    title = answers[0].id if len(answers) == 1 else f"{len(answers)} clips"
    return _PAGE.format(
        title=escape(f"Look-up of {title}"),
        style=_STYLE + STYLE,
        entries=f"{len(dictionary):,} entr{'y' if len(dictionary) == 1 else 'ies'}",
        folder=escape(dictionary.folder.resolve().name or str(dictionary.folder)),
        sections=sections,
    )


def _section(answer: Answer, dictionary: Dictionary, contract: KeypointContract) -> str:
    drawn = thumbnail(answer.postures, contract, f"The clip {answer.id}")
    cards = "".join(_card(entry, dictionary, contract) for entry in answer.nearest)
    return (
        f'<section><div class="query"><h2>Your clip: <bdi>{escape(answer.id)}</bdi></h2>{drawn}'
        f"</div><ol>{cards}</ol></section>\n"
    )


def _card(entry: Neighbour, dictionary: Dictionary, contract: KeypointContract) -> str:
    drawn = thumbnail(dictionary.postures[entry.row], contract, f"The entry {entry.gloss}")
    percent = max(entry.similarity, 0) * 100
    return (
        f'<li><p class="name"><span class="rank">{entry.rank}</span> '
        f"<strong><bdi>{escape(entry.gloss)}</bdi></strong>"
        f'<span class="number">{entry.similarity:.3f}</span></p>'
        f'<div class="bar"><i style="width:{percent:.1f}%"></i></div>'
        f'{drawn}<p class="file"><bdi>{escape(entry.file)}</bdi></p></li>'
    )


_STYLE = """\
:root{color-scheme:light dark;--paper:#fff;--card:#f5f6f8;--ink:#1b1d21;--faint:#565b64;
--line:#cfd3da;--body:#6a6f78;--left:#0072b2;--right:#c04f00}
@media(prefers-color-scheme:dark){:root{--paper:#15171b;--card:#1f2228;--ink:#eceef2;
--faint:#a9afba;--line:#3c424d;--body:#9aa1ad;--left:#56b4e9;--right:#ffa64d}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1rem;background:var(--paper);color:var(--ink);
font:1rem/1.45 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.35rem;margin:.2rem 0}h2{font-size:1.05rem;margin:0 0 .4rem}
p{margin:0}.faint,.file{color:var(--faint);font-size:.875rem}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.4rem 0 1rem}
.legend svg{width:2.4rem;height:.8rem;vertical-align:middle;margin-right:.35rem}
.query,li{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.7rem}
.query{border-width:2px;border-color:var(--faint);max-width:46rem}
section{margin-bottom:2rem}
ol{list-style:none;margin:.8rem 0 0;padding:0;display:grid;gap:.8rem;
grid-template-columns:repeat(auto-fill,minmax(min(100%,30rem),1fr))}
.name{display:flex;gap:.5rem;align-items:baseline}.name strong{font-size:1.1rem}
.rank{color:var(--faint);min-width:1.2em}.number{margin-left:auto;font-variant-numeric:tabular-nums}
.bar{height:.3rem;margin:.35rem 0 .3rem;border-radius:.15rem;background:var(--line)}
.bar i{display:block;height:100%;border-radius:.15rem;background:var(--faint)}
@media print{li{break-inside:avoid}}
"""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<h1>{title}</h1>
<p class="faint">The nearest of {entries} of <bdi>{folder}</bdi>. The number is the similarity: 1
for the same movement, about 0 for unrelated ones. A drawing shows four moments of a recording, in
order.</p>
<p class="legend faint"><span><svg viewBox="0 0 30 10" aria-hidden="true"><path
class="bones limb left" d="M3 5H27"/></svg>signer’s left (full arm)</span><span><svg
viewBox="0 0 30 10" aria-hidden="true"><path class="bones limb right"
d="M3 5H27"/></svg>signer’s right (dashed arm)</span></p>
{sections}</body>
</html>
"""
