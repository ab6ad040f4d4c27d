"""What somebody sent after their session had ended: kept in the page that says so, to be sent once more.

Nothing of it is stored, and none goes into an address. The page's form has no target: it goes where the first one went,
and passes there what every form passes.
"""

from flask import Response, abort, make_response, render_template, request

from app.web.security import CONTENT_SECURITY_POLICY, MAX_BODY_BYTES, is_said_to_be_ours

#: Where people show who they are, or change how they do: what is typed there is never shown again.
SECRET_PATHS = ("/admin/account", "/admin/again", "/admin/second-step", "/admin/sign-")
#: No form of the desk has as many.
FIELDS_MAX = 500


def may_be_shown() -> bool:
    """Say whether a page of this site sent a form, and one that takes no secrets.

    What does not say where it comes from may carry what a stranger wants to see in a page of ours: it is not enough.
    """
    return request.method == "POST" and is_said_to_be_ours() and not request.path.startswith(SECRET_PATHS)


def show_unsent(back: str) -> Response:
    """Return the page that has all fields of the form once more; with a file, one that leads `back` to choose it again.

    A frame has no room for it, and the page around it still has what was typed.
    """
    is_framed = request.headers.get("Sec-Fetch-Dest") == "iframe"
    has_file = not is_framed and _has_file()
    fields = [] if is_framed or has_file else list(request.form.items(multi=True))
    if len(fields) > FIELDS_MAX:
        abort(413)
    page = render_template(
        "admin/people/unsent.html",
        fields=fields,
        texts=[text for _, text in fields if len(text.split()) > 1],
        enctype=request.mimetype,
        back=back if has_file else None,
        is_framed=is_framed,
    )
    response = make_response(page, 401)
    if is_framed:
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.format(ancestors="'self'")
    return response


def show_to_script() -> Response:
    """Return one sentence for a page whose script asked: it stands in the page, which stays as it is."""
    return Response(render_template("admin/people/_signed_out.html"), status=401, headers={"HX-Reswap": "none"})


def _has_file() -> bool:
    """Say whether a file came along; what is too large for any other form is one, and stays unread."""
    is_large = (request.content_length or 0) > MAX_BODY_BYTES
    return request.mimetype == "multipart/form-data" and (is_large or bool(request.files))
