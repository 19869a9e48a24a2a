"""The AsyncAPI document as a page that needs no net: opened from disk or served by anything.

The viewer in `static/` is @asyncapi/react-component 3.2.1 from npm (Apache-2.0), untouched;
`static/SHA256SUMS` holds the digests of its files.
"""

import json
import shutil
from pathlib import Path
from string import Template
from typing import Final

from deploy.contracts import asyncapi

STATIC: Final = Path(__file__).with_name("static")

_PAGE: Final = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval' file:;
 style-src 'self' 'unsafe-inline' file:; img-src data:">
<title>Hamroh events</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="asyncapi.css">
<style>body { margin: 0; font-family: system-ui, sans-serif; }</style>
</head>
<body>
<main id="events"></main>
<script src="asyncapi.js"></script>
<script type="application/json" id="document">$document</script>
<script>
const text = document.getElementById("document").textContent;
const config = { show: { sidebar: true, errors: true }, sidebar: { showOperations: "byDefault" } };
AsyncApiStandalone.render({ schema: text, config }, document.getElementById("events"));
</script>
</body>
</html>
""")


def build(folder: Path) -> Path:
    """Writes the page and its viewer into a folder; the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("asyncapi.js", "asyncapi.css", "LICENSE", "asyncapi.js.LICENSE.txt"):
        shutil.copyfile(STATIC / name, folder / name)
    document = json.dumps(asyncapi.document(), ensure_ascii=False).replace("</", "<\\/")
    page = folder / "index.html"
    page.write_text(_PAGE.substitute(document=document), encoding="utf-8")
    return page
