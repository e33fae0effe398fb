"""Look at the built site as readers do: python doc/check_site.py [FOLDER].

Links are checked in the files. Then Chromium opens every page, wide and narrow, light
and dark, with the whole network out of reach but for the site itself. It prints a table
of pages by checks, and what is wrong below a page, and fails if anything is.
"""

import argparse
import shutil
import sys
from collections import defaultdict
from contextlib import contextmanager
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urldefrag, urlsplit

from playwright.sync_api import Error, TimeoutError, sync_playwright

CHECKS = ("links", "images", "width", "formulas", "scheme", "console", "network")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
#: A desktop and a telephone.
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
#: The page to search on, and something that must be found.
SEARCH, QUERY = "search.html", "?q=GRURegressor"


def pages_of(site):
    """All pages, without the templates that the theme leaves in _static."""
    static = site / "_static"
    return [p for p in sorted(site.rglob("*.html")) if static not in p.parents]


# ------------------------------------------------------------------------------ links
class Anchors(HTMLParser):
    """The links of a page, and the fragments that links may lead to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.fragments = [], {""}
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        """Note what a tag links to, and what it is called."""
        found = dict(attrs)
        self.links += [found[k] for k in ("href", "src") if found.get(k)]
        self.fragments |= {found[k] for k in ("id", "name") if found.get(k)}


def dead_links(site):
    """Pairs of a page and of what is wrong with a link of it."""
    pages = {path: Anchors(path) for path in pages_of(site)}
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            if urlsplit(link).scheme or link.startswith("//"):
                continue
            target, fragment = urldefrag(link)
            file = path
            if target:
                file = (path.parent / unquote(urlsplit(target).path)).resolve()
            if not file.is_file():
                yield path, f"{link} leads to no file"
            elif file in pages and unquote(fragment) not in pages[file].fragments:
                yield path, f"{link} leads to no place in {file.name}"


# ---------------------------------------------------------------------------- browser
#: Waits for fonts, formulas and images, also for those that come as one scrolls there.
READY = """async () => {
    const images = [...document.images];
    images.forEach(image => image.loading = "eager");
    await Promise.allSettled(images.map(image => image.decode()));
    if (window.MathJax?.startup) await MathJax.startup.promise;
    await document.fonts.ready;
}"""

IMAGES = """() => [...document.images]
    .filter(image => !image.naturalWidth)
    .map(image => image.getAttribute("src") + " is not shown")"""

#: What is wider than the window, or than the box that the article is in: it would have
#: to be scrolled as a whole. Tables and code may scroll by themselves.
WIDTH = """() => {
    const boxes = [];
    for (let box = document.querySelector("article"); box; box = box.parentElement)
        boxes.push(box);
    const box = boxes.find(box => box.scrollWidth > box.clientWidth + 1);
    if (!box) return [];
    const edge = box.getBoundingClientRect().left + box.clientWidth;
    const scrolls = element => element !== box
        && (getComputedStyle(element).overflowX !== "visible"
            || scrolls(element.parentElement));
    const found = [...box.querySelectorAll("*")].filter(element =>
        element.getBoundingClientRect().right > edge + 1
        && !scrolls(element.parentElement));
    const shown = found.slice(0, 3).map(element => element.outerHTML.slice(0, 60));
    const widths = `${box.scrollWidth} where there are ${box.clientWidth}: `;
    return [widths + shown.join(" ")];
}"""

#: Formulas that are still TeX, and those that MathJax shows as an error (in red, where
#: it does not know a macro).
FORMULAS = """() => {
    const raw = [...document.querySelectorAll(".math")]
        .filter(formula => !formula.querySelector("mjx-container"));
    const wrong = document.querySelectorAll(
        "mjx-merror, [data-mjx-error], mjx-container [style*='color: red']");
    return [...raw, ...wrong].map(formula => formula.textContent.trim().slice(0, 60));
}"""

#: Whether the page is as dark as it should be. Themes change a moment later.
IS_DARK = """expected => {
    const [background, text] = ["backgroundColor", "color"].map(name =>
        getComputedStyle(document.body)[name].match(/[\\d.]+/g).slice(0, 3)
            .reduce((sum, part) => sum + Number(part), 0));
    return (background < text) === expected;
}"""


class Handler(SimpleHTTPRequestHandler):
    """Files of the site, without a line for each."""

    def log_message(self, *args):
        """Say nothing."""


@contextmanager
def served(site):
    """Address of the site on this machine, for as long as it is needed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=site))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@contextmanager
def browser(chromium):
    """Chromium, with an empty profile of its own."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS])
        yield found.new_context()
        found.close()


class Visit:
    """One page in the browser.

    Parameters
    ----------
    tab : playwright's Page
    address : str
        Of the site.
    report : function
        Takes the name of a check and what is wrong.
    """

    def __init__(self, tab, address, report):
        self.tab, self.address, self.report = tab, address, report
        tab.on("console", self._console)
        tab.on("pageerror", lambda error: report("console", str(error)))
        tab.on("request", self._request)
        tab.on("response", self._response)

    def _console(self, message):
        if message.type == "error":
            self.report("console", message.text)

    def _response(self, response):
        if response.status >= 400:
            self.report("network", f"{response.url} answers {response.status}")

    def _request(self, request):
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.report("network", f"{request.url} is asked for")

    def look(self, name):
        """Open a page, and look at it in every window and light."""
        tab, is_search = self.tab, name == SEARCH
        tab.goto(self.address + name + (QUERY if is_search else ""))
        if is_search:
            tab.wait_for_selector("#search-results li a")
        tab.evaluate(READY)
        self._all("images", IMAGES)
        self._all("formulas", FORMULAS)
        for scheme in SCHEMES:
            tab.emulate_media(color_scheme=scheme)
            try:
                tab.wait_for_function(IS_DARK, arg=scheme == "dark", timeout=5000)
            except TimeoutError:
                self.report("scheme", f"{scheme} is not {scheme}")
            for width in WIDTHS:
                tab.set_viewport_size({"width": width, "height": 900})
                self._all("width", WIDTH, f"in a window of {width} pixels, ")

    def _all(self, check, script, where=""):
        for text in self.tab.evaluate(script):
            self.report(check, where + text)


def look_at_all(site, chromium, report):
    """Open all pages; `report` takes a page, a check and what is wrong."""
    with served(site) as address, browser(chromium) as found:
        for path in pages_of(site):
            tab = found.new_page()
            visit = Visit(tab, address, partial(report, path))
            try:
                visit.look(path.relative_to(site).as_posix())
            except Error as error:  # the other pages are looked at, too
                report(path, "console", f"{type(error).__name__}: {error}")
            tab.close()


# ------------------------------------------------------------------------------ report
def table(site, faults, checks):
    """Lines of pages by checks, and of what is wrong below each."""
    names = [path.relative_to(site).as_posix() for path in pages_of(site)]
    wide = max(map(len, names))
    yield " ".join([f"{'':{wide}}", *checks])
    for name in names:
        found = faults.get(name, {})
        cells = [f"{len(found.get(k, ())) or 'ok':>{len(k)}}" for k in checks]
        yield " ".join([f"{name:{wide}}", *cells])
        for check, texts in found.items():
            yield from (f"    {check}: {text}" for text in texts)


def main():
    """Check, print and exit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    built = Path(__file__).parent / "_build" / "html"
    parser.add_argument("site", nargs="?", type=Path, default=built)
    site = parser.parse_args().site.resolve()
    if not (site / "index.html").is_file():
        sys.exit(f"There is no site in {site}: run `make doc`.")
    faults = defaultdict(lambda: defaultdict(dict))

    def report(path, check, text):
        faults[path.relative_to(site).as_posix()][check][text] = True

    for path, text in dead_links(site):
        report(path, "links", text)
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium:
        look_at_all(site, chromium, report)
    print(*table(site, faults, CHECKS if chromium else ("links",)), sep="\n")
    if not chromium:
        names = ", ".join(CHROMIUM)
        print(f"Skipped but for the links: there is none of {names} on PATH.")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
