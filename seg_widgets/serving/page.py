"""The two small pages that a browser sees: a form, and why there is no result."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

__all__ = ["PAGE_POLICY", "error_page", "form_page"]

PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
"""The Content-Security-Policy of both: no script runs, and nothing is loaded."""

_STYLE: Final = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 38rem; margin: 2rem auto; padding: 0 1rem }
label { display: block; margin: 1rem 0 }
input, select, button { font: inherit; margin-top: .25rem }
input[type=url] { width: 100%; box-sizing: border-box }
button { padding: .4rem 1rem }
"""

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{style}</style>
<main>
<h1>{title}</h1>
{body}
</main>
</html>
"""

_FORM: Final = """<p>{about}</p>
<form action="detect?token={token}" method="post" enctype="multipart/form-data">
<label>An image <br><input type="file" name="file" accept="image/*"></label>
<label>or the address of one <br>
<input type="url" name="url" placeholder="https://…"></label>
<label>Lowest score <br>
<input type="number" name="threshold" min="0" max="1" step="0.05" value="0.5"></label>
<label>Result <br><select name="format">{formats}</select></label>
<button>Find the objects</button>
</form>
"""


def form_page(about: str, token: str, formats: Sequence[tuple[str, str]]) -> str:
    """The page with the form.

    Args:
        about: a line on the model.
        token: what the form sends along.
        formats: name and label of what can be asked for.

    Returns:
        HTML.
    """
    options = "".join(
        f'<option value="{html.escape(name)}">{html.escape(label)}</option>'
        for name, label in formats
    )
    body = _FORM.format(about=html.escape(about), token=html.escape(token), formats=options)
    return _PAGE.format(title="Find objects in an image", style=_STYLE, body=body)


def error_page(message: str) -> str:
    """The page that says why there is no result.

    Args:
        message: what was wrong and what to do about it.

    Returns:
        HTML.
    """
    body = f'<p role="alert">{html.escape(message)}</p>\n<p>Go back to try again.</p>'
    return _PAGE.format(title="No result", style=_STYLE, body=body)
