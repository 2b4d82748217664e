"""In and out: log in, log out, a forgotten password, and the first visit of a customer through a link in a mail."""

from __future__ import annotations

import unicodedata
from urllib.parse import urlsplit

from starlette.responses import Response

from ingisfs.stage.pages.frame import Page, Visit, failed
from ingisfs.stage.sessions import COOKIE, Throttle
from ingisfs.stage.users import MAX_PASSWORD, MIN_PASSWORD, normal

WRONG, WRONG_SECONDS = 5, 300.0  # so often a name may get its password wrong, in so many seconds
MAILS, MAIL_SECONDS = 3, 3600.0  # so many mails about a forgotten password


class Entrance:
    """The pages before one is logged in. One for each portal: it remembers who was wrong how often."""

    def __init__(self) -> None:
        self._wrong = Throttle(WRONG, WRONG_SECONDS)
        self._asked = Throttle(MAILS, MAIL_SECONDS)

    def pages(self) -> list[Page]:
        """Their addresses."""
        return [
            Page("/login", "anybody", self.login, self.log_in, is_slow=True),
            Page("/logout", "people", form=self.log_out),
            Page("/forgot", "anybody", self.forgot, self.send_reset),
            Page("/reset/{token}", "anybody", self.reset, self.choose, is_slow=True),
            Page("/open/{token}", "anybody", self.open, self.register, is_slow=True),
        ]

    def login(self, visit: Visit) -> Response:
        """Ask for name and password."""
        if visit.session is not None:
            return visit.go(_inside(visit.asked("next")))
        return visit.draw("login.html", name="", next=_inside(visit.asked("next")), wrong="")

    def log_in(self, visit: Visit) -> Response:
        """Check name and password."""
        name, password = as_typed(visit.field("name")), visit.field("password")
        following = _inside(visit.field("next"))
        seconds = self._wrong.wait(name)
        if seconds > 0:
            wrong = visit.say("login_wait", minutes=int(seconds // 60) + 1)
            response = visit.draw("login.html", 429, name=name, next=following, wrong=wrong)
            response.headers["Retry-After"] = str(int(seconds) + 1)
            return response
        if len(password) > MAX_PASSWORD or not visit.portal.users.verify(name, password):
            self._wrong.failed(name)
            wrong = visit.say("login_wrong")
            return visit.draw("login.html", 401, name=name, next=following, wrong=wrong)
        self._wrong.succeeded(name)
        return visit.log_in(normal(name), following)

    def log_out(self, visit: Visit) -> Response:
        """End the session."""
        assert visit.session is not None
        visit.portal.sessions.end(visit.session)
        response = visit.go("/login", "logged_out")
        response.delete_cookie(COOKIE, path="/")
        return response

    # A forgotten password

    def forgot(self, visit: Visit) -> Response:
        """Ask whose password it is."""
        return visit.draw("forgot.html")

    def send_reset(self, visit: Visit) -> Response:
        """Send a mail if there is somebody; the answer is the same if there is nobody."""
        name = as_typed(visit.field("name"))
        account = visit.portal.users.account(name)
        if self._asked.wait(name) <= 0:
            self._asked.failed(name)
            if account is not None and (account.email or account.role == "customer"):
                visit.portal.post.send_reset(account)
        return visit.go("/login", "reset_sent")

    def reset(self, visit: Visit) -> Response:
        """Ask for the new password."""
        link = visit.portal.post.follow("reset", visit.request.path_params["token"])
        if link is None:
            return failed(visit, 410, "error_link")
        return visit.draw("choose.html", title="reset_title", name=link["user"], wrong="", has_account=False)

    def choose(self, visit: Visit) -> Response:
        """Take the new password."""
        token = visit.request.path_params["token"]
        link = visit.portal.post.follow("reset", token)
        if link is None:
            return failed(visit, 410, "error_link")
        wrong = wrong_with(visit)
        if wrong:
            return visit.draw(
                "choose.html", 422, title="reset_title", name=link["user"], wrong=wrong, has_account=False
            )
        if not visit.portal.post.use_up(token):
            return failed(visit, 410, "error_link")
        visit.portal.users.change_password(link["user"], visit.field("password"))
        visit.portal.sessions.end_all(link["user"])
        return visit.log_in(link["user"], "/?said=reset_done")

    # The first visit of a customer

    def open(self, visit: Visit) -> Response:
        """Lead a customer from the mail to the invoice, or to where they register."""
        link = visit.portal.post.follow("invite", visit.request.path_params["token"])
        if link is None:
            return failed(visit, 410, "error_link")
        customer = visit.portal.customers.by_id(link["customer_id"])
        address = f"/invoices/{link['invoice_id']}" if link["invoice_id"] else "/"
        if customer.login is not None:
            return visit.go(address)
        has_account = visit.portal.users.account(customer.email) is not None
        return visit.draw("choose.html", title="register_title", name=customer.email, wrong="", has_account=has_account)

    def register(self, visit: Visit) -> Response:
        """Make an account for a customer, or connect the one that they have."""
        token = visit.request.path_params["token"]
        link = visit.portal.post.follow("invite", token)
        if link is None:
            return failed(visit, 410, "error_link")
        customer = visit.portal.customers.by_id(link["customer_id"])
        address = f"/invoices/{link['invoice_id']}" if link["invoice_id"] else "/"
        name, users = customer.email, visit.portal.users
        if customer.login is not None or not name:
            return visit.go(address)
        account = users.account(name)
        if account is None:
            wrong = wrong_with(visit)
            if not wrong:
                users.add(name, visit.field("password"), role="customer", language=customer.language, email=name)
        elif (
            account.role != "customer" or self._wrong.wait(name) > 0 or not users.verify(name, visit.field("password"))
        ):
            self._wrong.failed(name)
            wrong = visit.say("login_wrong")
        else:
            wrong = ""
        if wrong:
            return visit.draw(
                "choose.html", 422, title="register_title", name=name, wrong=wrong, has_account=account is not None
            )
        visit.portal.customers.log_in_as(customer.id, name)
        return visit.log_in(name, address)


def wrong_with(visit: Visit) -> str:
    """What is wrong with a password that was chosen, "" if nothing."""
    password, again = visit.field("password"), visit.field("again")
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        return visit.say("password_length", least=MIN_PASSWORD)
    return "" if password == again else visit.say("password_differs")


def as_typed(name: str) -> str:
    """A name as it is kept: e-mail addresses in small letters, all else as it is."""
    name = unicodedata.normalize("NFC", name.strip())[:254]
    return name.lower() if "@" in name else name


def _inside(address: str) -> str:
    """Where to go on after logging in: a page of ours, never another site."""
    parts = urlsplit(address)
    is_ours = (
        address.startswith("/") and not address.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    )
    return address if is_ours and address.isprintable() and "\\" not in address else "/"
