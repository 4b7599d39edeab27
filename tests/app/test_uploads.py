from __future__ import annotations

import json

import pytest

from distrust_hub.app.limits import Limits
from distrust_hub.app.uploads import read_upload
from distrust_hub.app.web_page import html_text
from distrust_hub.errors import DataError


@pytest.mark.parametrize("name", ["a.txt", "a.md", "A.TXT"])
def test_read_upload_takes_a_text_file_as_one_document(tmp_path, name):
    (tmp_path / name).write_text("\ufeffI saw it.\nTwice.", encoding="utf-8")
    assert read_upload(tmp_path / name, Limits()) == [("I saw it.\nTwice.", {})]


def test_read_upload_takes_rows_with_their_metadata(tmp_path):
    rows = [{"text": "one", "year": 1900}, {"text": "two", "source": "log"}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_upload(tmp_path / "a.jsonl", Limits()) == [("one", {"year": 1900}), ("two", {"source": "log"})]
    (tmp_path / "a.csv").write_text('text,year\n"one, ""quoted""\nline",1900\n')
    assert read_upload(tmp_path / "a.csv", Limits()) == [('one, "quoted"\nline', {"year": "1900"})]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "Year;Text\n1900;one, two\n;\n"),
        ("a.tsv", "Year\tContent\n1900\tone, two\n"),
        ("a.csv", '\ufeffYear,abstract\n1900,"one, two"\n,\n'),
        ("a.json", '[{"Year": "1900", "body": "one, two"}]'),
    ],
)
def test_read_upload_finds_the_texts_of_tables_of_others(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read_upload(tmp_path / name, Limits()) == [("one, two", {"Year": "1900"})]


def test_read_upload_takes_other_encodings_and_a_single_column(tmp_path):
    (tmp_path / "a.txt").write_bytes("café".encode("cp1252"))
    (tmp_path / "b.txt").write_bytes("café".encode("utf-16"))
    (tmp_path / "c.csv").write_bytes("Einträge\nfür dich\n".encode("cp1252"))
    names = ("a.txt", "b.txt", "c.csv")
    assert [read_upload(tmp_path / name, Limits())[0][0] for name in names] == ["café", "café", "für dich"]


def test_html_text_of_a_page_that_closes_no_head():
    assert html_text("<head><title>t</title><body><p>I saw it<script>x</script>") == "I saw it"


def test_read_upload_takes_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"text": ["one", "two"], "year": [1900, 2000]}), tmp_path / "a.parquet")
    assert read_upload(tmp_path / "a.parquet", Limits()) == [("one", {"year": 1900}), ("two", {"year": 2000})]


def test_read_upload_refuses_parquet_that_unpacks_to_a_huge_table(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({"text": ["a" * 1_000_000 + str(i) for i in range(40)]})
    parquet.write_table(table, tmp_path / "a.parquet", compression="zstd", use_dictionary=False)
    assert (tmp_path / "a.parquet").stat().st_size < 100_000
    with pytest.raises(DataError, match="unpacks to 40 MB"):
        read_upload(tmp_path / "a.parquet", Limits())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text": "one"}\nnot json\n', r"^a\.jsonl:2: not valid JSON"),
        ("a.jsonl", b'{"text": "one"}\n{"body": "x"}\n', r"^a\.jsonl:2: no text in column 'text'"),
        ("a.csv", b"text,year\nx,1\n ,2\n", r"^a\.csv:3: no text in column 'text'"),
        ("a.csv", b"name,year\nx,1\n", r"^a\.csv: there is no column named text \(there are: name, year\)"),
        ("a.csv", b'text\n"x\n', r"^a\.csv:2: not valid CSV"),
        ("a.txt", b"%PDF-1.7\n", r"^a\.txt: is a PDF by its content"),
        ("a.csv", b"PK\x03\x04\x00\x00", r"^a\.csv: is not text"),
        ("a.parquet", b"PAR1 not really", r"^a\.parquet: not a readable Parquet"),
        ("a.exe", b"MZ", r"type \.exe are not read"),
        ("a", b"x", r"without a suffix"),
    ],
)
def test_read_upload_refuses_bad_files_by_name_without_their_folder(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_upload(tmp_path / name, Limits())
    assert str(tmp_path) not in str(caught.value)


def test_read_upload_refuses_too_many_bytes_and_rows(tmp_path):
    (tmp_path / "a.txt").write_text("x" * 2_000_000)
    with pytest.raises(DataError, match=r"2\.0 MB is more than the 1 MB"):
        read_upload(tmp_path / "a.txt", Limits(upload_bytes=1_000_000))
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n' * 3)
    with pytest.raises(DataError, match="more than 2 rows"):
        read_upload(tmp_path / "a.jsonl", Limits(rows=2))


def test_read_upload_takes_a_pdf_as_one_document(tmp_path):
    (tmp_path / "a.pdf").write_bytes(pdf("I weighed 3.2 g", "in March 1931"))
    text = read_upload(tmp_path / "a.pdf", Limits())[0][0]
    assert text.split() == ["I", "weighed", "3.2", "g", "in", "March", "1931"]


@pytest.mark.parametrize(
    ("content", "limits", "message"),
    [
        (lambda: pdf("a", "b", "c"), Limits(pdf_pages=2), r"^a\.pdf: has 3 pages and the app reads 2"),
        (lambda: pdf(""), Limits(), r"^a\.pdf: holds no text"),
        (lambda: b"%PDF-1.7 nothing", Limits(), r"^a\.pdf: cannot be read as PDF"),
        (lambda: b"not a pdf at all", Limits(), r"^a\.pdf: cannot be read as PDF"),
    ],
)
def test_read_upload_refuses_a_bad_pdf(tmp_path, content, limits, message):
    (tmp_path / "a.pdf").write_bytes(content())
    with pytest.raises(DataError, match=message):
        read_upload(tmp_path / "a.pdf", limits)


def test_read_upload_ends_a_pdf_that_takes_too_long(tmp_path, monkeypatch):
    (tmp_path / "a.pdf").write_bytes(pdf("short"))
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "pypdf.py").write_text("import time; time.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", str(slow))
    with pytest.raises(DataError, match="took more than 1 seconds"):
        read_upload(tmp_path / "a.pdf", Limits(file_seconds=1))


def test_read_upload_ends_a_web_page_that_takes_too_long(tmp_path, monkeypatch):
    (tmp_path / "a.html").write_text("<p>short")
    (tmp_path / "sitecustomize.py").write_text(
        "import html.parser, time\nhtml.parser.HTMLParser.feed = lambda *_: time.sleep(60)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DataError, match=r"^a\.html: took more than 1 seconds"):
        read_upload(tmp_path / "a.html", Limits(file_seconds=1))


def test_read_upload_refuses_a_web_page_without_text(tmp_path):
    (tmp_path / "a.htm").write_text("<script>x</script>")
    with pytest.raises(DataError, match=r"^a\.htm: holds no text, only scripts perhaps"):
        read_upload(tmp_path / "a.htm", Limits())


def pdf(*pages: str) -> bytes:
    """A PDF with one line of text a page."""
    count = len(pages)
    kids = " ".join(f"{3 + 2 * index} 0 R" for index in range(count))
    font = f"{3 + 2 * count} 0 R"
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {count} >>"]
    for index, words in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({words}) Tj ET"
        page = f"/Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {4 + 2 * index} 0 R"
        objects.append(f"<< {page} /Resources << /Font << /F1 {font} >> >> >>")
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    start = len(out)
    trailer = f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF"
    return out + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}".encode()


def test_html_text_keeps_words_and_drops_code(tmp_path):
    page = (
        "<html><head><title>t</title><style>p{}</style></head><body><p>I saw <b>it</b> &amp; wrote.</p>"
        "<script>steal()</script><!-- no --><ul><li>one<li>two</ul></body></html>"
    )
    assert html_text(page) == "I saw it & wrote.\none\ntwo"
    (tmp_path / "a.html").write_text(page)
    assert read_upload(tmp_path / "a.html", Limits())[0][0].startswith("I saw it")
