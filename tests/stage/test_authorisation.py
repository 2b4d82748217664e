"""Every address of the local INGIS, and what each kind of visitor gets there; one without a row here fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from starlette.routing import Mount, Route

from ingisfs.stage.application import application
from ingisfs.stage.login import ProgramRoute
from tests.stage.harness import PASSWORD, USER, csrf_of, visitor
from tests.stage.house import ANNA, BOB, INVOICES, KEIZER, SECRET, House, opened

LOGO = b"\x89PNG\r\n\x1a\n" + b"x" * 100
PEOPLE = {"nobody": "", "anna": SECRET, "bob": SECRET, "king": PASSWORD, "keizer": PASSWORD}
NAMES = {"nobody": "", "anna": ANNA, "bob": BOB, "king": USER, "keizer": KEIZER}

EVERYBODY = "200 200 200 200 200"
LOGGED_IN = "303 200 200 200 200"
KINGS = "303 404 404 200 200"
OWN = "303 200 404 200 404"  # of Anna and of the King user whose customer she is
OWN_KING = "303 404 404 200 404"
NO_SUCH = "303 404 404 404 404"
PROGRAMS = "401 401 401 200 200"

#: Method and address → the status for nobody, Anna, Bob (another customer), her King user, another King user. What is
#: in an address is Anna's: her invoice, its documents, her as a customer, a mail to her. Forms are sent empty.
MATRIX = {
    ("GET", "/login"): "200 303 303 303 303",
    ("POST", "/login"): "401 401 401 401 401",
    ("POST", "/logout"): "303 303 303 303 303",
    ("GET", "/forgot"): EVERYBODY,
    ("POST", "/forgot"): "303 303 303 303 303",
    ("GET", "/reset/{token}"): "410 410 410 410 410",
    ("POST", "/reset/{token}"): "410 410 410 410 410",
    ("GET", "/open/{token}"): "410 410 410 410 410",
    ("POST", "/open/{token}"): "410 410 410 410 410",
    ("GET", "/"): LOGGED_IN,
    ("GET", "/counters.json"): LOGGED_IN,
    ("GET", "/handbook"): KINGS,
    ("GET", "/handbook.html"): KINGS,
    ("GET", "/received"): KINGS,
    ("GET", "/reasons"): KINGS,
    ("GET", "/reasons/{reason}"): KINGS,
    ("GET", "/invoices"): LOGGED_IN,
    ("GET", "/invoices/{invoice}"): OWN,
    ("GET", "/invoices/{invoice}/files/{file}"): OWN,
    ("GET", "/invoices/{invoice}/files/{file}/show"): OWN,
    ("GET", "/invoices/{invoice}/files/{file}/read"): OWN,
    ("GET", "/invoices/{invoice}/logo"): OWN,
    ("POST", "/invoices/{invoice}/resend"): "303 404 404 303 404",
    ("GET", "/upload"): KINGS,
    ("POST", "/upload"): KINGS,
    ("POST", "/upload/file"): "403 403 403 422 422",
    ("GET", "/upload/answer"): KINGS,
    ("GET", "/customers"): KINGS,
    ("GET", "/customers/new"): KINGS,
    ("POST", "/customers/new"): "303 404 404 422 422",
    ("GET", "/customers/import"): KINGS,
    ("POST", "/customers/import"): "303 404 404 422 422",
    ("GET", "/customers/{customer}"): OWN_KING,
    ("POST", "/customers/{customer}"): "303 404 404 422 404",
    ("POST", "/customers/{customer}/block"): "303 404 404 303 404",
    ("POST", "/customers/{customer}/unblock"): "303 404 404 303 404",
    ("POST", "/customers/{customer}/invite"): "303 404 404 303 404",
    ("GET", "/profile"): LOGGED_IN,
    ("POST", "/profile"): "303 422 422 422 422",
    ("POST", "/profile/password"): "303 422 422 422 422",
    ("GET", "/profile/logo"): OWN_KING,
    ("POST", "/profile/logo"): "303 404 404 303 303",
    ("GET", "/mails"): KINGS,
    ("GET", "/mails/{mail}"): OWN_KING,
    ("GET", "/{rest:path}"): NO_SUCH,
    ("GET", "/static"): EVERYBODY,
    ("GET", "/inbox"): "401 401 401 303 303",  # to the page that shows it
    ("GET", "/inbox.json"): PROGRAMS,
    ("GET", "/documents.json"): PROGRAMS,
    ("GET", "/api"): PROGRAMS,
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("house")) as made:
        yield made


def test_every_address_of_the_application_has_a_row(house: House) -> None:
    found: set[tuple[str, str]] = set()
    for route in application(house.portal).routes:
        if isinstance(route, ProgramRoute):  # all its methods go through one check: tests/stage/test_login.py
            found.add(("GET", route._root.decode()))
        elif isinstance(route, Mount):
            found.add(("GET", route.path))
        else:
            assert isinstance(route, Route)
            assert route.methods is not None
            found |= {(method, route.path) for method in route.methods - {"HEAD"}}
    assert found == set(MATRIX)


def filled_in(house: House, address: str) -> str:
    pdf, xml = house.files(house.anna_invoice)
    (anna,), _ = house.portal.customers.page(USER, ANNA)
    mail = next(mail["id"] for mail in house.mails() if mail["recipient"] == ANNA)
    values = {
        "invoice": house.anna_invoice,
        "file": xml if address.endswith("/read") else pdf,
        "customer": anna.id,
        "mail": mail,
        "reason": "duplicate",
        "token": "x" * 32,
        "rest:path": "nothing/at/all",
    }
    for name, value in values.items():
        address = address.replace("{" + name + "}", str(value))
    return {"/static": "/static/stage.css", "/inbox": "/inbox/"}.get(address, address)


def ask(house: House, who: str, method: str, address: str) -> httpx.Response:
    with closing(visitor(house.running, NAMES[who], PEOPLE[who])) as person:
        if method == "GET":
            return person.get(address)
        csrf = csrf_of(person) if NAMES[who] else ""
        return person.post(address, data={"csrf": csrf}, headers={"X-CSRF": csrf})


@pytest.mark.parametrize(("method", "address"), list(MATRIX), ids=lambda value: str(value))
def test_each_visitor_gets_what_is_theirs_and_nothing_else(house: House, method: str, address: str) -> None:
    house.portal.users.change_logo(USER, LOGO, "image/png")
    for who, expected in zip(PEOPLE, MATRIX[method, address].split(), strict=True):
        answer = ask(house, who, method, filled_in(house, address))
        assert str(answer.status_code) == expected, who
        if who == "nobody" and answer.status_code == 303 and address not in {"/logout", "/forgot"}:
            assert answer.headers["Location"].startswith("/login"), who
        if who in {"nobody", "bob", "keizer"}:
            for secret in (f"Factuur {INVOICES[0].number}", INVOICES[0].debtor.name, ANNA):
                assert secret not in answer.text, who
    (anna,), _ = house.portal.customers.page(USER, ANNA)
    assert not anna.blocked or address.endswith("/block")
    house.portal.customers.block(USER, anna.id, blocked=False)


def test_what_is_given_to_nobody_is_not_given_with_a_password_of_a_customer_either(house: House) -> None:
    for address in ("/inbox/", "/inbox.json", "/documents.json", "/api", "/api/receipts"):
        for auth in ((ANNA, SECRET), (USER, SECRET), ("", "")):
            assert httpx.get(house.running.root + address, auth=auth, trust_env=False).status_code == 401
