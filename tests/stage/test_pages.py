"""The pages: who may see what, forms that come from elsewhere, and each thing that people do there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from ingisfs.stage.customers import Customer
from ingisfs.stage.handbook import FILES
from ingisfs.stage.pages.entrance import WRONG
from scripts.king import Invoice, xml_king
from tests.servers import wait_for
from tests.stage.harness import PASSWORD, REPOSITORY, USER, csrf_of, submit, visitor
from tests.stage.house import ANNA, BOB, INVOICES, KEIZER, SECRET, House, addresses, deliver, opened


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture
def king(house: House) -> Iterator[httpx.Client]:
    with closing(visitor(house.running, USER, PASSWORD)) as person:
        yield person


@pytest.fixture
def anna(house: House) -> Iterator[httpx.Client]:
    with closing(visitor(house.running, ANNA, SECRET)) as person:
        yield person


@pytest.fixture
def nobody(house: House) -> Iterator[httpx.Client]:
    with closing(visitor(house.running)) as person:
        yield person


# ---- who may see what ------------------------------------------------------------------------------------------------


def ask(person: httpx.Client, method: str, address: str, csrf: str) -> int:
    if method == "GET":
        return person.get(address).status_code
    return person.post(address, data={"csrf": csrf}).status_code


def test_nobody_sees_anything_but_the_entrance(house: House, nobody: httpx.Client) -> None:
    for method, who, address in addresses(house, house.anna_invoice):
        if who == "anybody":
            continue
        answer = nobody.request(method, address, data={"csrf": "x"} if method == "POST" else None)
        assert answer.status_code == 303, address
        assert answer.headers["Location"].startswith("/login"), address
        assert INVOICES[0].number not in answer.text
    for address in ("/inbox/", "/inbox.json", "/api/receipts", "/api"):
        assert nobody.get(address).status_code == 401
    assert nobody.post("/upload/file?name=F1.pdf", content=b"x").status_code == 403


def test_a_customer_sees_only_their_own_documents_by_whatever_address(house: House, anna: httpx.Client) -> None:
    csrf = csrf_of(anna)
    for invoice in (house.bob_invoice, house.keizer_invoice, house.refused):
        about = f"/invoices/{invoice}"
        for method, _, address in addresses(house, invoice):
            if address.startswith(about):
                assert ask(anna, method, address, csrf) in {404, 405}, address
    mine = [address for _, _, address in addresses(house, house.anna_invoice) if address.startswith("/invoices/")]
    seen = {address: anna.get(address).status_code for address in mine}
    assert {code for address, code in seen.items() if re.search(r"/files/[0-9]+\Z", address)} == {200}
    assert seen[f"/invoices/{house.anna_invoice}"] == 200
    listed = anna.get("/invoices").text
    assert INVOICES[0].number in listed
    assert INVOICES[1].number not in listed
    # a document of another's under an invoice of one's own
    for file in house.files(house.bob_invoice):
        for more in ("", "/show", "/read"):
            assert anna.get(f"/invoices/{house.anna_invoice}/files/{file}{more}").status_code == 404


def test_a_customer_has_none_of_a_king_user_s_pages(house: House, anna: httpx.Client) -> None:
    csrf = csrf_of(anna)
    before = house.portal.customers.page(USER)
    for method, who, address in addresses(house, house.anna_invoice):
        if who == "king":
            assert ask(anna, method, address, csrf) == 404, address
    for address in ("/inbox/", "/inbox.json", "/api/receipts", "/api", f"/inbox/{INVOICES[0].number}.pdf"):
        assert anna.get(address).status_code == 401
        assert httpx.get(house.running.root + address, auth=(ANNA, SECRET), trust_env=False).status_code == 401
    upload = anna.post("/upload/file?name=F1.pdf", content=b"x", headers={"X-CSRF": csrf})
    assert upload.status_code == 403
    assert house.portal.customers.page(USER) == before
    assert house.running.names() == []


def test_a_king_user_sees_nothing_of_another_king_user(house: House) -> None:
    with closing(visitor(house.running, KEIZER, PASSWORD)) as keizer:
        csrf = csrf_of(keizer)
        for method, _, address in addresses(house, house.anna_invoice):
            if re.match(r"/(invoices|customers|mails)/[0-9]", address):
                assert ask(keizer, method, address, csrf) in {404, 405}, address
        assert INVOICES[0].number not in keizer.get("/invoices").text
        assert INVOICES[2].number in keizer.get("/invoices").text
        assert ANNA not in keizer.get("/customers").text + keizer.get("/mails").text
    with httpx.Client(base_url=house.running.root, auth=(KEIZER, PASSWORD), trust_env=False) as program:
        names = {row["name"] for row in program.get("/api/receipts").json()["receipts"]}
        assert names == {f"{INVOICES[2].number}.pdf", f"{INVOICES[2].number}.xml"}


def test_every_page_for_a_king_user_is_drawn_in_both_languages(house: House, king: httpx.Client) -> None:
    for invoice in (house.anna_invoice, house.refused):
        for method, who, address in addresses(house, invoice):
            if method == "GET" and who != "anybody" and "nothing" not in address and "logo" not in address:
                for language in ("en", "nl"):
                    answer = king.get(address, params={"lang": language})
                    wrong_kind = re.search(r"/files/[0-9]+/(show|read)\Z", address)
                    assert answer.status_code == 200 or (wrong_kind and answer.status_code == 404), address
                    if answer.headers["content-type"].startswith("text/html"):
                        assert f'<html lang="{language}">' in answer.text


def test_a_customer_who_is_blocked_sees_nothing_any_more(house: House, king: httpx.Client) -> None:
    bob = next(each for each in house.portal.customers.page(USER)[0] if each.email == BOB)
    with closing(visitor(house.running, BOB, SECRET)) as person:
        assert person.get(f"/invoices/{house.bob_invoice}").status_code == 200
        submit(king, f"/customers/{bob.id}/block")
        assert person.get(f"/invoices/{house.bob_invoice}").status_code == 404
        submit(king, f"/customers/{bob.id}/unblock")
        assert person.get(f"/invoices/{house.bob_invoice}").status_code == 200


def test_a_customer_has_only_the_documents_that_they_receive(house: House, anna: httpx.Client) -> None:
    customer = next(each for each in house.portal.customers.page(USER)[0] if each.email == ANNA)
    pdf, xml = house.files(house.anna_invoice)
    page = f"/invoices/{house.anna_invoice}"
    try:
        with house.portal.database.transaction() as db:
            db.execute("UPDATE customers SET wants = 'pdf' WHERE id = ?", (customer.id,))
        assert anna.get(f"{page}/files/{pdf}").status_code == 200
        assert anna.get(f"{page}/files/{xml}").status_code == 404
        assert anna.get(f"{page}/files/{xml}/read").status_code == 404
        assert ".xml" not in anna.get(page).text
    finally:
        with house.portal.database.transaction() as db:
            db.execute("UPDATE customers SET wants = 'both' WHERE id = ?", (customer.id,))


# ---- sessions, forms -------------------------------------------------------------------------------------------------


def test_the_cookie_is_for_our_server_alone_and_new_at_each_log_in(house: House) -> None:
    with closing(visitor(house.running)) as person:
        person.cookies.set("ingis-session", "planted")
        tokens = []
        for csrf in ("", None):
            answer = submit(person, "/login", csrf=csrf, name=USER, password=PASSWORD)
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=lax" in cookie
            tokens.append(cookie.split(";")[0].split("=")[1])
            person.cookies.clear()
            person.cookies.set("ingis-session", tokens[-1])
        old, new = tokens
        assert old != new
        assert "planted" not in tokens
        assert person.get("/").status_code == 200
        person.cookies.clear()
        person.cookies.set("ingis-session", old)
        assert person.get("/").status_code == 303
    for file in house.running.folder.glob("stage.db*"):
        assert new.encode() not in file.read_bytes()


def test_after_logging_out_the_cookie_is_worth_nothing(house: House) -> None:
    with closing(visitor(house.running, USER, PASSWORD)) as person:
        token = person.cookies["ingis-session"]
        assert person.get("/").status_code == 200
        assert submit(person, "/logout").status_code == 303
        person.cookies.set("ingis-session", token)
        assert person.get("/").status_code == 303


@pytest.mark.parametrize("csrf", ["", "x", "é"])
def test_a_form_without_our_secret_changes_nothing(house: House, king: httpx.Client, csrf: str) -> None:
    count = house.portal.customers.page(USER)[1]
    answer = submit(king, "/customers/new", csrf=csrf, number="9", name="Vals")
    assert answer.status_code == 403
    assert "verlopen" in answer.text
    other = visitor(house.running, KEIZER, PASSWORD)
    with closing(other):
        stolen = csrf_of(other)
    assert submit(king, "/customers/new", csrf=stolen, number="9", name="Vals").status_code == 403
    assert house.portal.customers.page(USER)[1] == count


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"},
    ],
)
def test_a_form_of_another_site_changes_nothing_not_even_who_is_logged_in(
    house: House, nobody: httpx.Client, headers: dict[str, str]
) -> None:
    answer = nobody.post("/login", data={"name": USER, "password": PASSWORD}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_who_guesses_is_slowed_down_and_others_are_not(house: House, nobody: httpx.Client) -> None:
    for _ in range(WRONG):
        assert nobody.post("/login", data={"name": "gok@x.example", "password": "gok"}).status_code == 401
    answer = nobody.post("/login", data={"name": "gok@x.example", "password": "gok"})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert nobody.post("/login", data={"name": USER, "password": PASSWORD}).status_code == 303


@pytest.mark.parametrize(
    "following", ["//evil.example", "http://evil.example/", "/\\evil.example", "javascript:x", "\n/x"]
)
def test_after_logging_in_one_never_lands_elsewhere(nobody: httpx.Client, following: str) -> None:
    answer = nobody.post("/login", data={"name": USER, "password": PASSWORD, "next": following})
    assert answer.headers["Location"] == "/"


def test_after_logging_in_one_is_where_one_wanted_to_be(house: House, nobody: httpx.Client) -> None:
    asked = nobody.get("/invoices?search=a&page=2")
    page = nobody.get(asked.headers["Location"]).text
    (following,) = re.findall(r'name="next" value="([^"]+)"', page)
    answer = nobody.post("/login", data={"name": USER, "password": PASSWORD, "next": following.replace("&amp;", "&")})
    assert unquote(answer.headers["Location"]) == "/invoices?search=a&page=2"


def test_a_form_that_is_too_large_or_none_is_refused(house: House, king: httpx.Client) -> None:
    csrf = csrf_of(king)
    assert king.post("/profile", data={"csrf": csrf, "company": "x" * 300_000}).status_code == 413
    kind = {"Content-Type": "multipart/form-data"}
    assert king.post("/profile", content=b"x", headers=kind).status_code in {400, 403}
    many = {f"f{number}": "x" for number in range(500)}
    assert king.post("/profile", data={"csrf": csrf, **many}).status_code in {303, 400, 403, 422}


@pytest.mark.parametrize(
    "address", ["/invoices/1/../../../etc/passwd", "/static/../serve.py", "/static/%2e%2e/serve.py"]
)
def test_no_address_leads_out_of_the_pages(house: House, king: httpx.Client, address: str) -> None:
    answer = king.get(address)
    assert answer.status_code == 404
    assert "root:" not in answer.text


# ---- what people do --------------------------------------------------------------------------------------------------


def test_the_start_page_counts_and_the_counters_stay_fresh(house: House, king: httpx.Client) -> None:
    counters = king.get("/counters.json").json()
    page = king.get("/").text
    for state, count in counters.items():
        assert f'data-count="{state}">{count}<' in page
    assert counters["refused"] >= 1
    for words in ("Factuur informatie", "Aantal geweigerde bestanden", "Nieuws", "Handboek"):
        assert words in page


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_handbook_is_read_and_downloaded_in_the_visitor_s_language(king: httpx.Client, language: str) -> None:
    read, kept = (king.get(address, params={"lang": language}) for address in ("/handbook", "/handbook.html"))
    king.get("/?lang=nl")
    title = (REPOSITORY / "docs" / FILES[language]).read_text("utf-8").partition("\n")[0].removeprefix("# ")
    assert f"<h1>{title}</h1>" in read.text
    assert read.text.count("data:image/png;base64,") >= 3
    assert "script-src" not in read.headers["Content-Security-Policy"]
    assert kept.text == read.text
    assert kept.headers["Content-Disposition"].startswith("attachment")


def test_an_installed_package_has_the_handbook_too(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "installed")
    script = "from ingisfs.stage import handbook as it; print(it.__file__, *map(len, map(it.handbook, it.FILES)))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        check=True,
        capture_output=True,
        text=True,
    )
    file, *lengths = done.stdout.split()
    assert file.startswith(str(tmp_path))
    assert all(int(length) > 100_000 for length in lengths)


def test_what_the_customer_opens_the_king_user_sees_as_viewed(house: House, king: httpx.Client) -> None:
    invoice = deliver(house, INVOICES[3]) if _knows(house, INVOICES[3], ANNA) else 0
    assert "badge new" in king.get(f"/invoices/{invoice}").text
    house.portal.customers.log_in_as(house.portal.invoices.get(USER, invoice)["customer_id"], ANNA)
    with closing(visitor(house.running, ANNA, SECRET)) as anna:
        pdf = house.files(invoice)[0]
        shown = anna.get(f"/invoices/{invoice}/files/{pdf}/show")
        assert shown.content.startswith(b"%PDF")
        assert shown.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert shown.headers["Content-Disposition"].startswith("inline")
    page = king.get(f"/invoices/{invoice}").text
    assert "badge viewed" in page
    assert "Bekeken door de klant" in page
    with httpx.Client(base_url=house.running.root, auth=(USER, PASSWORD), trust_env=False) as program:
        told = program.get("/api/receipts?limit=1000").json()["receipts"]
    states = [row["state"] for row in told if row["name"] == f"{INVOICES[3].number}.pdf"]
    assert states == ["collected", "new", "viewed"]


def _knows(house: House, invoice: Invoice, email: str) -> bool:
    debtor = invoice.debtor
    house.portal.customers.add(USER, Customer(debtor.number, debtor.name, email))
    return True


def test_looking_as_a_king_user_is_not_viewing(house: House, king: httpx.Client) -> None:
    before = king.get("/counters.json").json()
    for file in house.files(house.bob_invoice):
        king.get(f"/invoices/{house.bob_invoice}/files/{file}")
    assert king.get("/counters.json").json() == before


def test_an_xml_is_shown_as_text_and_downloaded_without_power(house: House, king: httpx.Client) -> None:
    xml = house.files(house.anna_invoice)[1]
    page = king.get(f"/invoices/{house.anna_invoice}/files/{xml}/read").text
    assert INVOICES[0].debtor.number in page
    assert "&lt;FACTUURNUMMER&gt;" in page
    download = king.get(f"/invoices/{house.anna_invoice}/files/{xml}")
    assert download.content == xml_king(INVOICES[0])
    assert download.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in download.headers["Content-Security-Policy"]


def test_script_in_names_and_values_is_text(house: House, king: httpx.Client) -> None:
    evil = "<script>alert(1)</script>"
    value = evil.replace("<", "&lt;")
    xml = f"<K><FACTUURNUMMER>{value}</FACTUURNUMMER><DEBITEURNUMMER>\"'&gt;{value}</DEBITEURNUMMER></K>"
    with httpx.Client(base_url=house.running.root, auth=(USER, PASSWORD), trust_env=False) as program:
        program.put("/inbox/%3Cimg%20src=x%20onerror=alert(1)%3E.xml", content=xml.encode()).raise_for_status()
    house.portal.batch.take_in()
    row = house.portal.database.row("SELECT max(id) FROM invoices")
    assert row is not None
    (file,) = house.files(row[0])
    pages = ["/invoices", f"/invoices/{row[0]}", f"/invoices/{row[0]}/files/{file}/read", "/reasons/no_customer", "/"]
    for address in pages:
        text = king.get(address).text
        assert "alert(1)" in text or address == "/"
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_the_list_is_searched_filtered_and_sorted(house: House, king: httpx.Client) -> None:
    assert INVOICES[1].number in king.get("/invoices", params={"search": INVOICES[1].number}).text
    assert INVOICES[0].number not in king.get("/invoices", params={"search": INVOICES[1].number}).text
    refused = king.get("/invoices?status=refused").text
    assert "badge refused" in refused
    assert "badge new" not in refused
    assert "Geen facturen gevonden" in king.get("/invoices?since=2030-01-01").text
    for sort in ("number", "customer", "issued", "gross", "filed", "nonsense"):
        for order in ("up", "down"):
            assert king.get(f"/invoices?sort={sort}&order={order}&page=1").status_code == 200
    for odd in ("page=0", "page=-1", "page=x", "since=x", "status=%27", "search=%25_%5C"):
        assert king.get(f"/invoices?{odd}").status_code == 200


def test_a_customer_is_added_changed_blocked_and_invited(house: House, king: httpx.Client) -> None:
    answer = submit(
        king, "/customers/new", number=" 77 ", name="Nieuwe klant", email="NIEUW@klant.example", vat="nl 1.2",
        wants="pdf", channel="mail", language="en",
    )  # fmt: skip
    address = answer.headers["Location"].partition("?")[0]
    number = int(address.rpartition("/")[2])
    assert house.portal.customers.get(USER, number) == Customer(
        "77", "Nieuwe klant", "nieuw@klant.example", "NL12", "pdf", "mail", "en", id=number, owner=USER
    )
    same = {"number": "77", "name": "Nog een", "wants": "pdf", "channel": "portal", "language": "nl"}
    again = submit(king, "/customers/new", **same)
    assert again.status_code == 422
    assert "heeft al een andere klant" in again.text
    assert submit(king, address, **same).status_code == 303
    assert house.portal.customers.get(USER, number).name == "Nog een"
    assert submit(king, f"{address}/invite").headers["Location"].endswith("said=no_email")
    submit(king, address, **same, email="nog@klant.example")
    submit(king, f"{address}/invite")
    assert house.link("nog@klant.example", "invite").startswith("/open/")
    submit(king, f"{address}/block")
    assert house.portal.customers.get(USER, number).blocked
    assert "geblokkeerd" in king.get(address).text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"number": ""}, "debiteurnummer"),
        ({"name": " "}, "naam"),
        ({"email": "a@b"}, "e-mailadres"),
        ({"email": "a@b.example\r\nBcc: x@y.example"}, "e-mailadres"),
        ({"wants": "everything"}, "ontvangt"),
        ({"channel": "mail", "email": ""}, "e-mailadres"),
    ],
)
def test_a_customer_that_cannot_be_is_not_added(
    house: House, king: httpx.Client, fields: dict[str, str], words: str
) -> None:
    good = {"number": "88", "name": "x", "email": "", "wants": "both", "channel": "portal", "language": "nl"}
    count = house.portal.customers.page(USER)[1]
    answer = submit(king, "/customers/new", **{**good, **fields})
    assert answer.status_code == 422
    assert words in re.findall(r'role="alert">([^<]+)', answer.text)[0].lower()
    assert house.portal.customers.page(USER)[1] == count


def test_customers_are_imported_all_or_none(house: House, king: httpx.Client) -> None:
    def send(text: str, encoding: str = "utf-8") -> httpx.Response:
        files = {"file": ("klanten.csv", text.encode(encoding), "text/csv")}
        return king.post("/customers/import", data={"csrf": csrf_of(king)}, files=files)

    count = house.portal.customers.page(USER)[1]
    head = "Debiteurnummer;Naam;E-mail;Documenten;Waar\n"
    bad = send(head + "501;Eén;een@x.example;beide;portaal\n502;Twee;geen adres;pdf;portaal\n")
    assert bad.status_code == 422
    assert "Regel 3" in bad.text
    assert house.portal.customers.page(USER)[1] == count
    lines = '501;Eén;een@x.example;beide;portaal\n\n502;"Twee; en meer";twee@x.example;PDF;e-mail\n'
    good = send(head + lines, "cp1252")
    assert "2 klanten toegevoegd, 0 gewijzigd" in good.text
    again = send(head + "502;Twee;twee@x.example;xml;portaal\n")
    assert "0 klanten toegevoegd, 1 gewijzigd" in again.text
    (found,), _ = house.portal.customers.page(USER, "502")
    assert (found.name, found.wants, found.channel) == ("Twee", "xml", "portal")
    for broken in ("", "a;b\n1;2\n", "\x00"):
        assert send(broken).status_code == 422


def test_another_address_of_a_customer_has_to_register_anew(house: House) -> None:
    number = house.portal.customers.add(USER, Customer("66", "Verhuisd", "oud@x.example"))
    house.portal.customers.log_in_as(number, "oud@x.example")
    customer = house.portal.customers.get(USER, number)
    house.portal.customers.change(USER, number, customer)
    assert house.portal.customers.get(USER, number).login == "oud@x.example"
    moved = Customer("66", "Verhuisd", "nieuw@x.example")
    house.portal.customers.change(USER, number, moved)
    assert house.portal.customers.get(USER, number).login is None


def test_a_link_registers_once_and_leads_to_the_invoice_from_then_on(house: House, nobody: httpx.Client) -> None:
    invoice = deliver(house, INVOICES[4]) if _knows(house, INVOICES[4], "dora@x.example") else 0
    link = house.link("dora@x.example")
    assert "dora@x.example" in nobody.get(link).text
    for password, again in (("kort", "kort"), (SECRET, SECRET + "x")):
        assert nobody.post(link, data={"password": password, "again": again}).status_code == 422
    answer = nobody.post(link, data={"password": SECRET, "again": SECRET})
    assert answer.headers["Location"] == f"/invoices/{invoice}"
    assert nobody.get(f"/invoices/{invoice}").status_code == 200
    with closing(visitor(house.running)) as thief:
        assert thief.get(link).headers["Location"] == f"/invoices/{invoice}"
        assert thief.post(link, data={"password": "ander wachtwoord", "again": "ander wachtwoord"}).status_code == 303
        assert thief.get(f"/invoices/{invoice}").status_code == 303  # to the log-in
    assert nobody.get("/open/" + "x" * 32).status_code == 410


def test_who_has_an_account_connects_another_sender_with_its_password(house: House, nobody: httpx.Client) -> None:
    number = house.portal.customers.add(KEIZER, Customer("1", "Anna", ANNA))
    house.portal.post.invite(house.portal.customers.get(KEIZER, number))
    link = house.link(ANNA, "invite")
    assert nobody.post(link, data={"password": "geraden wachtwoord"}).status_code == 422
    assert house.portal.customers.get(KEIZER, number).login is None
    assert nobody.post(link, data={"password": SECRET}).status_code == 303
    assert house.portal.customers.get(KEIZER, number).login == ANNA


def test_a_forgotten_password_is_chosen_anew_through_a_mail_once(house: House, nobody: httpx.Client) -> None:
    house.portal.users.add("vergeetal@x.example", SECRET, role="customer", email="vergeetal@x.example")
    with closing(visitor(house.running, "vergeetal@x.example", SECRET)) as other_browser:
        count = len(house.mails())
        unknown = nobody.post("/forgot", data={"name": "niemand@x.example"})
        known = nobody.post("/forgot", data={"name": "Vergeetal@X.example"})
        assert (unknown.status_code, unknown.headers["Location"]) == (known.status_code, known.headers["Location"])
        assert len(house.mails()) == count + 1
        link = house.link("vergeetal@x.example", "reset")
        assert nobody.post(link, data={"password": "nieuw wachtwoord", "again": "nieuw wachtwoord"}).status_code == 303
        assert nobody.get("/").status_code == 200
        assert other_browser.get("/").status_code == 303  # logged out there
        assert other_browser.get(link).status_code == 410
        assert other_browser.post(link, data={"password": "x" * 12, "again": "x" * 12}).status_code == 410
    visitor(house.running, "vergeetal@x.example", "nieuw wachtwoord").close()


def test_the_profile_changes_name_language_mail_and_logo(house: House, king: httpx.Client) -> None:
    fields = {"company": "Van der Meer", "email": "a@meer.example", "language": "nl", "tell_refused": "1"}
    assert submit(king, "/profile", **fields).status_code == 303
    account = house.portal.users.account(USER)
    assert account is not None
    assert (account.company, account.email, account.tell_refused) == ("Van der Meer", "a@meer.example", True)
    deliver(house, INVOICES[0])  # a second time: refused, and told
    assert house.link("a@meer.example", "refused").startswith("/invoices/")
    submit(king, "/profile", **{**fields, "tell_refused": ""})
    count = len(house.mails())
    deliver(house, INVOICES[0])
    assert len(house.mails()) == count
    png = b"\x89PNG\r\n\x1a\n" + b"x" * 100
    for data, kind, code in (
        (png, "image/png", 303),
        (b"<svg onload=x>", "image/svg+xml", 422),
        (b"GIF", "image/png", 422),
    ):
        files = {"logo": ("logo", data, kind)}
        assert king.post("/profile/logo", data={"csrf": csrf_of(king)}, files=files).status_code == code
    assert king.get("/profile/logo").content == png
    with closing(visitor(house.running, ANNA, SECRET)) as anna:
        assert anna.get(f"/invoices/{house.anna_invoice}/logo").content == png
        assert anna.get(f"/invoices/{house.bob_invoice}/logo").status_code == 404


def test_a_changed_password_ends_all_other_sessions(house: House) -> None:
    house.portal.users.add("wissel", SECRET)
    with (
        closing(visitor(house.running, "wissel", SECRET)) as here,
        closing(visitor(house.running, "wissel", SECRET)) as there,
    ):
        new = {"password": "iets heel anders", "again": "iets heel anders"}
        assert submit(here, "/profile/password", current="fout", **new).status_code == 422
        assert submit(here, "/profile/password", current=SECRET, **new).status_code == 303
        assert here.get("/").status_code == 200
        assert there.get("/").status_code == 303
    program = {"trust_env": False}
    root = f"{house.running.root}/inbox.json"
    assert httpx.get(root, auth=("wissel", SECRET), **program).status_code == 401  # type: ignore[arg-type]
    assert httpx.get(root, auth=("wissel", "iets heel anders"), **program).status_code == 200  # type: ignore[arg-type]


def test_files_are_uploaded_with_an_answer_each(house: House, king: httpx.Client) -> None:
    csrf = csrf_of(king)

    def send(name: str, data: bytes, token: str = csrf) -> httpx.Response:
        return king.post("/upload/file", params={"name": name}, content=data, headers={"X-CSRF": token})

    def answer(name: str, digest: str) -> dict[str, str]:
        told: dict[str, str] = king.get("/upload/answer", params={"name": name, "sha256": digest}).json()
        return told

    data = b"%PDF-1.7 broken"
    assert send("kapot.pdf", data, "x").status_code == 403
    taken = send("kapot.pdf", data).json()
    assert taken["ok"]
    assert not send("kapot.pdf", data).json()["ok"]  # never over another
    assert answer("kapot.pdf", taken["sha256"])["state"] == "waiting"
    house.portal.batch.take_in()
    told = answer("kapot.pdf", taken["sha256"])
    assert told["state"] == "refused"
    assert "niet heel" in told["text"]
    assert king.get(told["link"]).status_code == 200
    other = send("brief.docx", b"x").json()["sha256"]
    house.portal.batch.take_in()
    assert answer("brief.docx", other)["state"] == "refused"
    for name in ("", "..", "a/..", ".ingisfs-1.part", "x" * 300):
        assert send(name, b"x").status_code == 422
    assert send("..\\..\\map\\ok.pdf", b"x").json()["ok"]
    assert house.running.names() == ["ok.pdf"]
    (house.running.inbox / "ok.pdf").unlink()


def test_files_are_uploaded_without_a_script_too(house: House, king: httpx.Client) -> None:
    files = [("files", ("een.xml", b"<A>", "text/xml")), ("files", ("twee.pdf", b"x", "application/pdf"))]
    answer = king.post("/upload", data={"csrf": csrf_of(king)}, files=files)
    assert answer.text.count("Ontvangen. INGIS kijkt ernaar.") == 2
    assert house.running.names() == ["een.xml", "twee.pdf"]
    again = king.post("/upload", data={"csrf": csrf_of(king)}, files=files[:1])
    assert "wordt niet vervangen" in again.text
    house.portal.batch.take_in()
    assert house.running.names() == []


def test_a_customer_is_written_to_again(house: House, king: httpx.Client) -> None:
    before = len([mail for mail in house.mails() if mail["recipient"] == ANNA])
    assert submit(king, f"/invoices/{house.anna_invoice}/resend").headers["Location"].endswith("said=resent")
    assert len([mail for mail in house.mails() if mail["recipient"] == ANNA]) == before + 1
    assert submit(king, f"/invoices/{house.refused}/resend").status_code == 404


def test_without_a_mail_server_mails_lie_in_a_folder_and_on_a_page(house: House, king: httpx.Client) -> None:
    def files() -> list[Path]:
        return list((house.running.folder / "mail").glob("*.eml"))

    wait_for(lambda: len(files()) == len(house.mails()), "all mails to lie in the folder", 60)
    text = files()[0].read_bytes()
    assert b"To: " in text
    page = king.get("/mails").text
    assert ANNA in page
    newest = house.mails()[0]
    assert newest["subject"].replace("’", "&#39;") in king.get(f"/mails/{newest['id']}").text.replace("’", "&#39;")


# ---- what a page is made of ------------------------------------------------------------------------------------------


def test_pages_have_what_people_who_do_not_see_them_need(
    house: House, king: httpx.Client, nobody: httpx.Client
) -> None:
    pages = {
        address: king
        for method, who, address in addresses(house, house.anna_invoice)
        if method == "GET" and who != "anybody"
    }
    pages |= dict.fromkeys(("/login", "/forgot"), nobody)
    count = 0
    for address, person in pages.items():
        answer = person.get(address)
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        count += 1
        page = answer.text
        assert len(re.findall(r"<h1\b", page)) == 1, address
        assert len(re.findall(r"<main\b", page)) == 1, address
        assert re.search(r"<title>\S", page), address
        if address in {"/handbook", "/handbook.html"}:  # one file that is also mailed: nothing to skip, and no forms
            continue
        assert 'class="skip" href="#content"' in page, address
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert len(ids) == len(set(ids)), address
        for field in re.findall(r"<(?:input|select)\b[^>]*>", page):
            if 'type="hidden"' not in field:
                (name,) = re.findall(r'\bid="([^"]+)"', field)
                assert f'<label for="{name}">' in page, (address, name)
        for described in re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', page):
            assert described in ids, (address, described)
        for image in re.findall(r"<(?:img|iframe)\b[^>]*>", page):
            assert re.search(r'\b(?:alt|title)="[^"]', image), address
        assert not re.search(r'\b(?:style|on[a-z]+)="', page), address  # the policy would not run them
        assert re.findall(r'(?:src|action)="(?!/)[^"]+"', page) == [], address
    assert count > 15


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_can_be_told_from_its_background_by_day_and_by_night(house: House, nobody: httpx.Client) -> None:
    style = nobody.get("/static/stage.css").text
    roots = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    assert len(roots) == 2
    pairs = [
        ("text", "page"), ("text", "card"), ("soft", "page"), ("soft", "card"), ("accent", "page"), ("accent", "card"),
        ("accent", "tint"), ("text", "tint"), ("on-accent", "accent"), ("red", "red-tint"), ("text", "red-tint"),
        ("blue", "blue-tint"), ("violet", "violet-tint"), ("red", "card"),
    ]  # fmt: skip
    for root in roots:
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", root))
        for front, back in pairs:
            light, dark = sorted((_luminance(colours[front]), _luminance(colours[back])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (front, back)
