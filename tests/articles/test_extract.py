"""Articles out of files: text, Markdown, HTML; what is no article is refused in words."""

import pytest

from app.articles.extract import extract_file
from app.errors import InputRefused
from tests.articles.conftest import SHARED

PROSE = "Le port a rouvert lundi, après onze jours de silence radio. Les navires attendent encore au large."


def test_a_text_file_is_taken_as_it_is() -> None:
    extracted = extract_file(f"\ufeff{PROSE}\r\n\r\nUne enquête est ouverte.\r\n".encode(), "port.txt")
    assert extracted.text == f"{PROSE}\n\nUne enquête est ouverte."
    assert extracted.summary == f"{PROSE} Une enquête est ouverte."
    assert extracted.title is None


def test_hard_wrapped_lines_are_joined_and_short_ones_are_not() -> None:
    wrapped = (
        "Le port a rouvert lundi, après onze jours de silence radio,\n"
        "mais les navires attendent encore au large, faute de pilote.\n\n- un\n- deux"
    )
    assert extract_file(wrapped.encode(), "a.txt").text == wrapped.replace("radio,\nmais", "radio, mais")


def test_markdown_gives_its_heading_and_its_prose() -> None:
    prose = f"{PROSE} Voir [la carte](https://cartes.example/) <b>ici</b>."
    source = f"# Le *port* rouvre & après ?\n\n{prose}\n\n## Suite\n\n- un\n- deux\n"
    extracted = extract_file(source.encode(), "port.md")
    assert extracted.title == "Le port rouvre & après ?"
    assert extracted.text == f"{PROSE} Voir la carte <b>ici</b>.\n\nSuite\n\nun\n\ndeux"


@pytest.mark.parametrize(
    ("front", "title"),
    [
        ("title: Le port rouvre\ndate: 2026-03-01", "Le port rouvre"),
        ('date: 2026-03-01\ntitle: "Le port: \\"rouvert\\""', 'Le port: "rouvert"'),
        ("title: 'L''été & après'", "L'été & après"),
        ("layout: post", None),
        ("title: >\n  Le port\n  rouvre", None),
    ],
)
def test_the_front_matter_of_markdown_gives_its_title_and_is_no_prose(front, title) -> None:
    source = f"---\n{front}\n---\n\n"
    for text in (f"{source}{PROSE}", f"{source}{PROSE}".replace("\n", "\r\n")):
        extracted = extract_file(text.encode(), "port.md")
        assert (extracted.title, extracted.text) == (title, PROSE)
    assert extract_file(f"{source}# Un titre\n\n{PROSE}".encode(), "port.md").title == "Un titre"


def test_prose_between_two_lines_of_markdown_is_no_front_matter() -> None:
    assert extract_file(f"---\n\n{PROSE}\n\n---\n\nFin.".encode(), "port.md").text == f"{PROSE}\n\nFin."


def test_a_second_level_heading_is_no_title() -> None:
    assert extract_file(f"## Suite\n\n{PROSE}".encode(), "port.md").title is None


def test_a_web_page_gives_its_article_without_its_furniture() -> None:
    paragraphs = "".join(f"<p>{PROSE} Voici le paragraphe {n}.</p>" for n in range(5))
    page = (
        "<html><head><title>Le port rouvre</title></head><body><nav><a href='/'>Accueil</a></nav><article>"
        f"<h1>Le port rouvre</h1>{paragraphs}<p>Abonnez-vous à notre newsletter.</p></article>"
        "<script>alert('x')</script><footer>Mentions légales</footer></body></html>"
    )
    extracted = extract_file(page.encode(), "port.html")
    assert extracted.title == "Le port rouvre"
    assert extracted.text.startswith(f"{PROSE} Voici le paragraphe 0.\n\n")
    assert extracted.text.endswith("paragraphe 4.")


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "a.txt", "empty"),
        (b" \n\t\r\n", "a.md", "empty"),
        (b"\xef\xbb\xbf", "a.txt", "no article"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "a.txt", "binary"),
        (b"PK\x03\x04\x14\x00", "a.md", "binary"),
        (b"%PDF-1.7\n%\n1 0 obj", "a.txt", "binary"),
        ("L'été".encode("latin-1"), "a.txt", r"not UTF-8 \(line 1\)"),
        ("Un\nL'été".encode("cp1252"), "a.md", r"not UTF-8 \(line 2\)"),
        ("L'été".encode("utf-16"), "a.txt", "UTF-16"),
        (b"x" * 2_000_001, "a.txt", "larger than 2 MB"),
        (b"mot " * 60_000, "a.txt", "longer than 200,000"),
        (b"**mot** " * 60_000, "a.md", "longer than 200,000"),
        (b"text", "a.docx", ".docx files are not read"),
        (b"<div>" * 2_001, "a.html", "nests"),
        (b"<html><body></body></html>", "a.html", "no article"),
        (b"# Titre seul", "a.md", "no article"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_what_is_no_article_is_refused_in_words(data, name, words) -> None:
    with pytest.raises(InputRefused, match=words):
        extract_file(data, name)


def test_markdown_that_only_nests_is_no_article() -> None:
    with pytest.raises(InputRefused, match="no article"):
        extract_file(b">" * 100_000 + b"fin", "a.md")


def test_the_seed_article_comes_through_without_its_footer() -> None:
    """The file's last block is its site's sign-up form, twice; what stands before it is the article, all of it."""
    [seed] = SHARED.glob("seeds/*.txt") if SHARED.exists() else pytest.skip("the seed is not beside the repository")
    original = seed.read_text(encoding="utf-8")
    *article, footer = original.strip().split("\n\n")
    extracted = extract_file(seed.read_bytes(), seed.name)
    assert extracted.text.split("\n\n") == [" ".join(paragraph.split(" ")) for paragraph in article]
    assert len(footer.splitlines()) == 8
    assert not any(line in extracted.text for line in footer.splitlines())
    assert extracted.summary.startswith(article[0])
    assert 150 < len(extracted.summary) <= 320
    assert extracted.summary.endswith(".")
    assert " ".join(article).startswith(extracted.summary)


@pytest.mark.parametrize(
    ("tag", "title", "charset"),
    [
        ("<html>", "Opération à Paris", "windows-1252"),
        ("<html lang=fr-FR>", "Opération à Paris", "windows-1252"),
        ("<html><meta charset=undefined>", "Opération à Paris", "windows-1252"),
        ("<html><meta charset=utf-8>", "Opération à Paris", "windows-1252"),
        ("<html lang='ru'>", "Операция в Париже", "windows-1251"),
        ("<html class=a lang=pl>", "Śledztwo w Łodzi", "iso-8859-2"),
        ("<html>", "Opération à Paris", "utf-16"),
    ],
)
def test_a_page_that_does_not_say_its_encoding_is_in_the_usual_one_of_its_language(tag, title, charset) -> None:
    page = f"{tag}<head><title>{title}</title></head><body><p>{'Un port rouvre. ' * 20}</p></body></html>"
    assert extract_file(page.encode(charset), "a.html").title == title


def test_a_page_in_utf_8_stays_that_where_a_few_octets_are_broken() -> None:
    page = f"<html><head><title>Été à Łódź où</title></head><body><p>{PROSE}</p></body></html>".encode()
    assert extract_file(page.replace("ù".encode(), b"\xf9"), "a.html").title == "Été à Łódź o\ufffd"


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1252", "iso-8859-15"])
def test_a_page_says_its_own_encoding_and_much_about_itself(charset) -> None:
    paragraphs = "".join(f"<p>{PROSE} Voici le paragraphe {n}.</p>" for n in range(5))
    page = (
        f"<html lang='fr-FR'><head><meta charset='{charset}'><title>Le port a été rouvert</title>"
        "<link rel='canonical' href='https://detroit.example/port'><meta name='author' content='Ada Lovelace'>"
        "<meta property='article:published_time' content='2026-03-16T10:00:00Z'></head>"
        f"<body><article><h1>Le port a été rouvert</h1>{paragraphs}</article></body></html>"
    )
    extracted = extract_file(page.encode(charset), "port.html")
    assert "après onze jours" in extracted.text
    assert (extracted.title, extracted.authors, extracted.language) == ("Le port a été rouvert", "Ada Lovelace", "fr")
    assert extracted.link == "https://detroit.example/port"
    assert extracted.published_at is not None
    assert extracted.published_at.date().isoformat() == "2026-03-16"
