"""Documents of ELAN: odd features are read, and a new tier changes no other byte."""

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings, strategies as st

from slr_keras.text.eaf import read_eaf
from slr_keras.text.eaf_tiers import Sign, add_predictions
from slr_keras.text.eaf_xml import parse_xml
from slr_keras.utils.errors import UserError

ODD = """<?xml version="1.0" encoding="UTF-8"?>
<!-- from the field -->
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2020-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0">
<LICENSE LICENSE_URL=""></LICENSE>
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
  <MEDIA_DESCRIPTOR MEDIA_URL="file:///far/clip%201.mp4" MIME_TYPE="video/mp4"
    RELATIVE_MEDIA_URL="./clip%201.mp4" TIME_ORIGIN="1200"/>
  <LINKED_FILE_DESCRIPTOR LINK_URL="file:///far/glove.csv" MIME_TYPE="unknown"/>
  <PROPERTY NAME="lastUsedAnnotationId">7</PROPERTY>
</HEADER>
<TIME_ORDER>
  <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1000"/>
  <TIME_SLOT TIME_SLOT_ID="ts2"/>
  <TIME_SLOT TIME_SLOT_ID="ts3"/>
  <TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="1900"/>
</TIME_ORDER>
<TIER LINGUISTIC_TYPE_REF="default" PARTICIPANT="Zo\u0065\u0308" TIER_ID="sentence">
  <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts4">
    <ANNOTATION_VALUE>rain &amp; sun</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
</TIER>
<TIER LINGUISTIC_TYPE_REF="parts" PARENT_REF="sentence" TIER_ID="gloss">
  <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
    <ANNOTATION_VALUE>RAIN</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
  <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a3" CVE_REF="c1" TIME_SLOT_REF1="ts2"
    TIME_SLOT_REF2="ts3"><ANNOTATION_VALUE/></ALIGNABLE_ANNOTATION></ANNOTATION>
  <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a4" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4">
    <ANNOTATION_VALUE>SUN</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
</TIER>
<TIER LINGUISTIC_TYPE_REF="words" PARENT_REF="sentence" TIER_ID="word">
  <ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a6" ANNOTATION_REF="a1" PREVIOUS_ANNOTATION="a5">
    <ANNOTATION_VALUE>sun</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
  <ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a5" ANNOTATION_REF="a1">
    <ANNOTATION_VALUE>rain</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
</TIER>
<TIER LINGUISTIC_TYPE_REF="note" PARENT_REF="gloss" TIER_ID="note">
  <ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a7" ANNOTATION_REF="a4">
    <ANNOTATION_VALUE>unsure</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
</TIER>
<TIER LINGUISTIC_TYPE_REF="default" TIER_ID="empty"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="default" TIME_ALIGNABLE="true"/>
<LINGUISTIC_TYPE CONSTRAINTS="Time_Subdivision" LINGUISTIC_TYPE_ID="parts" TIME_ALIGNABLE="true"/>
<LINGUISTIC_TYPE CONSTRAINTS="Symbolic_Subdivision" LINGUISTIC_TYPE_ID="words"/>
<LINGUISTIC_TYPE CONSTRAINTS="Symbolic_Association" LINGUISTIC_TYPE_ID="note"/>
<LOCALE COUNTRY_CODE="DE" LANGUAGE_CODE="de"/>
<CONSTRAINT DESCRIPTION="parts" STEREOTYPE="Time_Subdivision"/>
<CONTROLLED_VOCABULARY CV_ID="signs" EXT_REF="er1"/>
<EXTERNAL_REF EXT_REF_ID="er1" TYPE="ecv" VALUE="file:///far/signs.ecv"/>
<UNKNOWN kept="yes"><!-- and this --></UNKNOWN>
</ANNOTATION_DOCUMENT>
"""
VOCABULARY = """<CV_RESOURCE><CONTROLLED_VOCABULARY CV_ID="signs"><CV_ENTRY_ML CVE_ID="c1">
<CVE_VALUE LANG_REF="und">WIND</CVE_VALUE></CV_ENTRY_ML></CONTROLLED_VOCABULARY></CV_RESOURCE>"""


@pytest.fixture
def odd(tmp_path):
    path = tmp_path / "odd.eaf"
    path.write_text(ODD, encoding="utf-8")
    (tmp_path / "signs.ecv").write_text(VOCABULARY)
    return path


def placed(document, tier):
    return [(a.value, a.start, a.end) for a in document.tier(tier).annotations]


def without_new(data, tiers=()):
    """Canonical XML without the tiers, slots, types and the constraint that were added."""
    root = ElementTree.fromstring(data)
    for parent in root.iter():
        for child in list(parent):
            names = " ".join(child.attrib.values())
            new = child.get("TIER_ID") in tiers or "slr-" in names
            if new or child.get("STEREOTYPE") == "Symbolic_Association":
                # Only the text behind an element belongs to the document.
                assert child.tail is None or not child.tail.strip()
                parent.remove(child)
    return ElementTree.canonicalize(ElementTree.tostring(root), strip_text=True)


def test_slots_without_values_lie_evenly_and_entries_come_from_an_external_vocabulary(odd):
    expected = [("RAIN", 1000, 1300), ("WIND", 1300, 1600), ("SUN", 1600, 1900)]
    assert placed(read_eaf(odd), "gloss") == expected


def test_symbolic_parts_divide_and_associations_share_the_time_of_their_parent(odd):
    document = read_eaf(odd)
    assert placed(document, "word") == [("rain", 1000, 1450), ("sun", 1450, 1900)]
    assert placed(document, "note") == [("unsure", 1600, 1900)]
    assert placed(document, "empty") == []
    assert document.tier("sentence").participant == "Zo\u00eb"
    assert (document.media[0].name, document.media[0].origin) == ("clip 1.mp4", 1200)


def test_a_new_tier_is_read_back_and_every_other_byte_stays(odd):
    before = odd.read_bytes()
    signs = [Sign("R&B <x>", 500, 1000, 0.5), Sign("\u00c4RGER", 1500, 2500, 0.97)]
    add_predictions(odd, signs, "guess", participant="Zo\u00eb")
    document = read_eaf(odd)
    assert placed(document, "guess") == [("R&B <x>", 500, 1000), ("\u00c4RGER", 1500, 2500)]
    confidences = [("0.5000", 500, 1000), ("0.9700", 1500, 2500)]
    assert placed(document, "guess_confidence") == confidences
    times = [
        int(slot.get("TIME_VALUE"))
        for slot in ElementTree.parse(odd).iter("TIME_SLOT")
        if slot.get("TIME_VALUE")
    ]
    assert times == sorted(times)
    assert without_new(odd.read_bytes(), {"guess", "guess_confidence"}) == without_new(before)
    # The bytes of the old document are a subsequence of the new one: nothing was written anew.
    rest = iter(odd.read_bytes())
    assert all(byte in rest for byte in before)


def test_a_tier_of_that_name_is_refused_and_the_document_stays(odd):
    before = odd.read_bytes()
    with pytest.raises(UserError, match="has a tier 'gloss' already"):
        add_predictions(odd, [], "gloss")
    assert odd.read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            "<!-- from the field -->",
            '<!DOCTYPE a [<!ENTITY e SYSTEM "/etc/passwd">]>',
            "document type",
        ),
        ('TIME_SLOT_REF2="ts2"', 'TIME_SLOT_REF2="ts9"', "no time slot 'ts9'"),
        ('TIME_SLOT_REF2="ts3"', 'TIME_SLOT_REF2="ts2"', "circle"),
        ('ANNOTATION_REF="a4"', 'ANNOTATION_REF="a9"', "refer to 'a9'"),
        ('ANNOTATION_REF="a4"', 'ANNOTATION_REF="a7"', "refer to 'a7'"),
        ('ANNOTATION_ID="a5"', 'ANNOTATION_ID="a6"', "id 'a6'|circle"),
        ('TIME_VALUE="1900"', 'TIME_VALUE="900"', "before its start"),
        ('TIME_VALUE="1900"', 'TIME_VALUE="1e3"', "is not milliseconds"),
        ('TIME_ORIGIN="1200"', 'TIME_ORIGIN="x"', "TIME_ORIGIN"),
        ("</ANNOTATION_DOCUMENT>", "", "not valid XML"),
        ("<UNKNOWN", "<U>" * 70 + "</U>" * 70 + "<UNKNOWN", "in one another"),
    ],
)
def test_a_bad_document_is_refused_with_its_name_and_the_reason(odd, old, new, reason):
    odd.write_text(ODD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UserError, match=reason) as caught:
        read_eaf(odd)
    assert "odd.eaf" in str(caught.value)


def test_a_document_beyond_the_limit_is_refused_before_it_is_read(odd, monkeypatch):
    monkeypatch.setenv("SLR_KERAS_MAX_EAF_BYTES", "100")
    with pytest.raises(UserError, match="limit of 100"):
        read_eaf(odd)


VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8).filter(
    lambda text: not any(letter in "\ufffe\uffff" for letter in text)
)
TREES = st.recursive(
    st.builds(lambda text: ("t", text), VALUES),
    lambda inner: st.lists(inner, max_size=3).map(lambda children: ("e", children)),
    max_leaves=8,
)


def xml_of(tree):
    from xml.sax.saxutils import escape

    kind, value = tree
    if kind == "t":
        return escape(value)
    return f"<X>{''.join(map(xml_of, value))}</X>" if value else "<X/>"


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(st.integers(0, 5000), max_size=6),
    values=st.lists(VALUES, max_size=4),
    extra=TREES,
    hollow=st.booleans(),
)
def test_any_document_stays_equal_as_canonical_xml_but_for_the_new_tiers(
    tmp_path_factory, times, values, extra, hollow
):
    slots = "".join(
        f'<TIME_SLOT TIME_SLOT_ID="ts{n}" TIME_VALUE="{t}"/>' for n, t in enumerate(sorted(times))
    )
    order = "<TIME_ORDER/>" if hollow and not times else f"<TIME_ORDER>{slots}</TIME_ORDER>"
    text = (
        f"<ANNOTATION_DOCUMENT><HEADER/>{order}<TIER TIER_ID='old'/><X>{xml_of(extra)}</X>"
        "</ANNOTATION_DOCUMENT>"
    )
    path = tmp_path_factory.mktemp("tree") / "a.eaf"
    path.write_bytes(text.encode())
    signs = [Sign(value, 100 * n, 100 * n + 50, 0.5) for n, value in enumerate(values)]
    add_predictions(path, signs, "new")
    found = [(a.start, a.end) for a in read_eaf(path).tier("new").annotations]
    assert found == [(sign.start, sign.end) for sign in signs]
    assert without_new(path.read_bytes(), {"new", "new_confidence"}) == without_new(text.encode())


def test_ends_of_elements_are_right_where_text_looks_like_a_tag_end():
    data = b"<A><A/><B>/&gt;</B><C></C><D >/></D></A>"
    spans = [data[c.start : c.end] for c in parse_xml(data).root.children]
    assert spans == [b"<A/>", b"<B>/&gt;</B>", b"<C></C>", b"<D >/></D>"]
