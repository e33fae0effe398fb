"""The examples are in sections of the gallery, and are notebooks of several cells."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    page
    for page in (ROOT / "examples").rglob("plot_*.py")
    if page.parent.name != "hosts"  # another environment runs these
)


def test_the_gallery_has_its_pages():
    assert len(PAGES) >= 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_in_a_section_that_the_site_builds(page):
    """Without a README.rst the gallery leaves a folder out, and says nothing."""
    section = page.parent
    assert section.parent == ROOT / "examples"
    assert (section / "README.rst").is_file()
    assert f'"{section.name}"' in (ROOT / "doc" / "conf.py").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_cells_text_and_a_picture(page):
    """A cell begins with text, which tells what its code is for."""
    first, *cells = page.read_text(encoding="utf-8").split("\n# %%\n")
    assert len(cells) >= 3
    assert all(cell.startswith("# ") for cell in cells)
    assert first.startswith('"""\n')
    assert "figure.savefig(" in "".join(cells)
    # The gallery takes a picture at the end of the cell, and closes it.
    assert all("figure.savefig(" in one for one in cells if "plt.subplot" in one)
