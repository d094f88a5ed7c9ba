"""Pages in HTML that stand between a client and the venue: load balancers, firewalls, maintenance."""

_TITLES = {
    403: "403 Forbidden",
    404: "404 Not Found",
    408: "408 Request Timeout",
    429: "429 Too Many Requests",
    500: "500 Internal Server Error",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}
_WAF = (
    '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">\n<HTML><HEAD>'
    "<TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY>\n<H1>403 ERROR</H1>\n"
    '<H2>The request could not be satisfied.</H2>\n<HR noshade size="1px">\nRequest blocked.\n'
    "We can't connect to the server for this app or website at this time.\n</BODY></HTML>\n"
)


def page(status: int) -> bytes:
    """The page of a status."""
    if status == 403:
        return _WAF.encode()
    title = _TITLES.get(status, str(status))
    head, body = f"<head><title>{title}</title></head>", f"<body>\r\n<center><h1>{title}</h1></center>\r\n</body>"
    return f"<html>\r\n{head}\r\n{body}\r\n</html>\r\n".encode()
