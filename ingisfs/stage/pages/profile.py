"""What people say of themselves: name, logo, language, e-mail settings, password."""

from __future__ import annotations

from starlette.responses import Response

from ingisfs.stage.customers import LANGUAGES, is_email
from ingisfs.stage.headers import DOCUMENT_POLICY
from ingisfs.stage.pages.entrance import wrong_with
from ingisfs.stage.pages.frame import NotForYouError, Page, Visit
from ingisfs.stage.users import MAX_LOGO


def pages() -> list[Page]:
    """Their addresses."""
    return [
        Page("/profile", "people", show, change),
        Page("/profile/password", "people", form=change_password, is_slow=True),
        Page("/profile/logo", "king", logo, change_logo, limit=MAX_LOGO + 50_000),
    ]


def show(visit: Visit) -> Response:
    """The profile."""
    return _profile(visit)


def change(visit: Visit) -> Response:
    """Change it. A customer's e-mail address is their name and stays."""
    account = visit.account
    email = visit.field("email").strip().lower() if visit.is_king else account.email
    language = visit.field("language")
    company = " ".join(visit.field("company").split())[:100]
    if language not in LANGUAGES or (email and not is_email(email)) or not company.isprintable():
        return _profile(visit, visit.say("customer_email_wrong"))
    visit.portal.users.change_profile(
        account.name, company=company, email=email, language=language, tell_refused=visit.field("tell_refused") == "1"
    )
    return visit.go("/profile", "saved")


def change_password(visit: Visit) -> Response:
    """Change the password; all other sessions of the same person end."""
    users = visit.portal.users
    if not users.verify(visit.user, visit.field("current")):
        return _profile(visit, visit.say("password_current_wrong"))
    if wrong := wrong_with(visit):
        return _profile(visit, wrong)
    users.change_password(visit.user, visit.field("password"))
    visit.portal.sessions.end_all(visit.user)
    return visit.log_in(visit.user, "/profile?said=password")


def logo(visit: Visit) -> Response:
    """The own picture."""
    found = visit.portal.users.logo(visit.user)
    if found is None:
        raise NotForYouError
    return Response(found[0], media_type=found[1], headers={"Content-Security-Policy": DOCUMENT_POLICY})


def change_logo(visit: Visit) -> Response:
    """Another picture, or none."""
    file = visit.file("logo")
    try:
        if file is None:
            visit.portal.users.change_logo(visit.user, None)
        else:
            visit.portal.users.change_logo(visit.user, file.file.read(), file.content_type or "")
    except ValueError:
        return _profile(visit, visit.say("logo_wrong"))
    return visit.go("/profile", "logo")


def _profile(visit: Visit, wrong: str = "") -> Response:
    return visit.draw("profile.html", 422 if wrong else 200, wrong=wrong, languages=LANGUAGES)
