"""The pages a browser sees while a program asks to act for somebody. Plain HTML; every word from outside is escaped."""

from collections.abc import Sequence
from html import escape
from typing import Final

from starlette.responses import HTMLResponse

from mcp_gateway.access.oauth.desk import Question
from mcp_gateway.access.oauth.redirects import host_of
from mcp_gateway.access.oauth.scopes import WORDS
from mcp_gateway.access.sessions.ports import LoginProvider
from mcp_gateway.core.identity import Caller

# A form stands disabled (its fieldset) until the script listens: a click before that would be lost.
CONSENT: Final = "/oauth/consent"
_HEAD: Final = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  {more}
  <title>{title} · MCP Gateway</title>
  <link rel="icon" href="/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/css/tokens.css">
  <link rel="stylesheet" href="/css/controls.css">
  <link rel="stylesheet" href="/oauth/consent.css">
  <script type="module" src="/oauth/consent.js"></script>
</head>
<body>
<header>MCP Gateway</header>
<main>
{body}
<noscript><p class="warning">This page needs JavaScript.</p></noscript>
</main>
</body>
</html>
"""


def hop_page() -> HTMLResponse:
    """Goes on to the decision from a page of our own: only then does the browser send the cookie of the login along."""
    more = f'<meta http-equiv="refresh" content="0; url={CONSENT}?here=1">'
    return _page("One moment", f'<h1>One moment</h1>\n<p><a href="{CONSENT}?here=1">Go on</a></p>', more=more)


def sign_in_page(providers: Sequence[LoginProvider]) -> HTMLResponse:
    """Who are you? Before a program's name is shown to anybody."""
    links = "".join(
        f'<li><a class="button button-primary" href="/login/{escape(one.name)}">Sign in with {escape(one.title)}</a></li>'
        for one in providers
        if one.signs_in
    )
    listed = f'<ul class="providers">{links}</ul>' if links else ""
    body = f"""<h1>Sign in to go on</h1>
<p>A program asks to use this gateway for you.</p>
{listed}
<form id="sign-in" autocomplete="off">
  <fieldset disabled>
    <label for="credential">{"Or paste" if links else "Paste"} the sign-in link from the gateway's terminal, or a token</label>
    <div class="row">
      <input id="credential" name="credential" type="password" required spellcheck="false">
      <button class="button button-primary" type="submit">Sign in</button>
    </div>
  </fieldset>
</form>
<p id="fault" role="alert" hidden></p>"""
    return _page("Sign in", body)


def question_page(question: Question, caller: Caller, csrf: str) -> HTMLResponse:
    """Names the program, who vouches for it, where its answer goes, and what it may do."""
    name = escape(question.client.name or "A program without a name")
    asked = question.waiting.asked
    who = escape(caller.name or caller.subject)
    # The host of a document vouches; a name that was only claimed is said to be.
    vouching = (
        f"<dt>Vouched for by</dt><dd>{escape(question.host)}</dd>"
        if question.vouched
        else f"<dt>Vouched for by</dt><dd>nobody: it calls itself “{name}”</dd>"
    )
    may = "".join(f"<li>{escape(WORDS.get(scope, scope))}</li>" for scope in question.scopes)
    body = f"""<h1>Let “{name}” use this gateway for you?</h1>
<dl>
  {vouching}
  <dt>Answer goes to</dt><dd>{escape(host_of(asked.redirect_uri))}</dd>
  <dt>For</dt><dd>{escape(asked.resource)}</dd>
  <dt>You are</dt><dd>{who}, tenant {escape(caller.tenant)}</dd>
</dl>
<p>It may then:</p>
<ul>{may or "<li>nothing: you have no right to any of what it asks for</li>"}</ul>
<p class="warning">Go on only if you began this yourself, in that program, just now.</p>
<form id="decision" data-request="{escape(question.waiting.request_id)}" data-csrf="{escape(csrf)}">
  <fieldset disabled class="row">
    <button class="button button-primary" type="submit" value="allow"{"" if may else " disabled"}>Allow</button>
    <button class="button" type="submit" value="deny">Do not allow</button>
  </fieldset>
</form>
<p id="fault" role="alert" hidden></p>
<p id="done" role="status" hidden>Done. You can close this page.</p>"""
    return _page("Allow a program?", body)


def refusal_page(message: str, hint: str, *, back: str = "", status: int = 400) -> HTMLResponse:
    """What is wrong; `back` is where the program would be told, to be followed by the person, never by itself."""
    link = f'<p><a class="button" href="{escape(back)}" rel="noreferrer">Tell {escape(host_of(back))}</a></p>' if back else ""
    body = f"<h1>This program cannot log in here</h1>\n<p>{escape(message)}</p>\n<p>{escape(hint)}</p>\n{link}"
    return _page("Not possible", body, status=status)


def _page(title: str, body: str, *, more: str = "", status: int = 200) -> HTMLResponse:
    return HTMLResponse(_HEAD.format(title=escape(title), body=body, more=more), status)
