"""Visitors of a public server: who is who, and that nobody reads or changes what is another's."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from helpers.looking import panel, says, unfold
from helpers.pictures import picture_bytes, write_pictures, write_zip
from helpers.run_folder import status_of
from helpers.scripted_training import ScriptedTraining
from helpers.serving import ROOT, Site, open_tab
from helpers.visitors import RefusedError, Visitor, file_payload
from helpers.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

COOKIE = "emotion-visitor"
SECRET, NAME = "what nobody may read", "holiday-in-rome.jpg"
IN_ANY_FORM = (SECRET, base64.b64encode(SECRET.encode()).decode())


@pytest.fixture(scope="module")
def site(serve_public: Callable[..., Site]) -> Site:
    """A public server with a secret on its disk."""
    site = serve_public()
    (site.root / "secret.txt").write_text(SECRET)
    site.uploads.mkdir(exist_ok=True)
    return site


@pytest.fixture(scope="module")
def her_run(site: Site, anna: Visitor, tiny_dinov2: Path) -> Path:
    """A finished run of Anna's, with a note and a comparison."""
    run = site.runs / anna.train(tiny_dinov2)
    until(lambda: status_of(run) == "finished")
    anna.ask("compare", ["given/dog_eval"], run.name, "happy", 3, 1, False)
    (run / "about.json").write_text(json.dumps({"title": SECRET, "note": SECRET}))
    return run


@pytest.fixture(scope="module")
def her_set(anna: Visitor, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The key of a picture set that Anna brought."""
    folder = tmp_path_factory.mktemp("hers")
    return anna.bring(write_zip(folder / "hers.zip", write_pictures(folder / "hers", count=2)), "Hers")


def told_of(said: str) -> list[str]:
    return [form for form in IN_ANY_FORM if form in said]


def owner_of(folder: Path) -> Any:
    """Return whose a run or a set is, and whether it is shared."""
    return json.loads((folder / "owner.json").read_text())


def share(folder: Path, *, shared: bool = True) -> None:
    (folder / "owner.json").write_text(json.dumps({**owner_of(folder), "shared": shared}))


def files_of(site: Site) -> dict[str, bytes]:
    """Return what runs and sets hold, but for locks, which looking at a run may leave."""
    files = [path for root in (site.runs, site.sets) for path in root.rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in files if "lock" not in path.name and path.name != "about.json"}


def test_a_browser_gets_a_secret_that_no_script_reads_and_the_disk_has_its_hash_alone(
    site: Site, anna: Visitor, her_run: Path
) -> None:
    [cookie] = anna.first.headers.get_list("set-cookie")
    secret = anna.http.cookies[COOKIE]
    assert len(secret) >= 32
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax"))
    assert "set-cookie" not in anna.enter().headers
    owner = owner_of(her_run)
    assert (len(owner["owner"]), owner["shared"]) == (64, False)
    for path in (path for path in site.root.rglob("*") if path.is_file()):
        assert secret.encode() not in path.read_bytes(), path
    # Inside the Hub's frame the cookie is one of a third party.
    with Visitor(site.url, **{"x-forwarded-proto": "https"}) as framed:
        framed_cookie = framed.first.headers["set-cookie"]
    assert all(word in framed_cookie for word in ("HttpOnly", "SameSite=None", "Secure", "Partitioned"))
    assert secret not in framed_cookie


def test_through_every_endpoint_a_visitor_has_what_is_theirs_or_the_servers_and_no_other(
    site: Site, anna: Visitor, bert: Visitor, her_run: Path, her_set: str, trained_run: Path
) -> None:
    runs = {name: {each["run"] for each in visitor.ask("runs")} for name, visitor in (("anna", anna), ("bert", bert))}
    assert runs == {"anna": {her_run.name, trained_run.name}, "bert": {trained_run.name}}
    assert her_set in str(anna.ask("picture_sets"))
    assert her_set not in str(bert.ask("picture_sets"))
    before = files_of(site)
    picture = bert.upload("one.png", picture_bytes())
    asked: list[tuple[str, list[Any], str]] = [
        ("run_status", [her_run.name], "run_unknown"),
        ("stop", [her_run.name], "run_unknown"),
        ("predict", [picture, her_run.name], "run_unknown"),
        ("compare", [["given/dog_eval"], her_run.name, "happy", 3, 1, False], "run_unknown"),
        ("compare", [[her_set], "", "happy", 2, 1, False], "picture_set_unknown"),
        ("train", [her_set, "Quick", "", 1, 8, "head", 42, False], "picture_set_unknown"),
        ("run_status", [f"{trained_run.name}/../{her_run.name}"], "run_unknown"),
    ]
    for endpoint, values, code in asked:
        assert bert.refusal(endpoint, *values).code == code, endpoint
    assert files_of(site) == before
    assert bert.ask("run_status", trained_run.name)["status"] == "finished"
    compared = bert.ask("compare", ["given/dog_eval"], trained_run.name, "happy", 3, 1, False)
    # What a guest compares is the guest's alone.
    assert len(list((site.runs / trained_run.name / "comparisons").glob(f"of-*/{compared['file']}"))) == 1


@pytest.mark.slow
@pytest.mark.parametrize("asked_for", ["run", "set", "file", "path"])
def test_no_event_of_the_page_tells_or_changes_what_is_anothers_whatever_session_or_cookie_is_claimed(
    site: Site, anna: Visitor, bert: Visitor, her_run: Path, her_set: str, asked_for: str
) -> None:
    events = bert.events()
    assert len(events) > 30
    assert any(told_of(anna.fire(event, event["fresh"])) for event in events)
    # A set that is shared may be looked at, and changed by its maker alone.
    folder = site.sets / her_set.removeprefix("saved/")
    share(folder)
    before = files_of(site)
    bert.http.cookies.set(COOKIE, "x" * len(anna.http.cookies[COOKIE]))
    file = file_payload(str(site.root / "secret.txt"), "x.png")
    value = {"run": her_run.name, "set": folder.name, "file": file, "path": f"../{her_run.name}"}[asked_for]
    asked = {"run": value, "number": 0, "label": "sad", "said": "sad", "value": value}
    for event in events:
        said = bert.fire(event, [value] * len(event["inputs"]), event_data=asked, session=anna.session)
        assert told_of(said) == [], event["id"]
    after = files_of(site)
    assert {path: content for path, content in after.items() if path in before} == before
    assert (site.root / "secret.txt").read_text() == SECRET


def test_a_shared_run_is_used_by_all_and_stopped_by_its_maker_alone_and_the_servers_own_by_no_visitor(
    site: Site, anna: Visitor, bert: Visitor, her_run: Path
) -> None:
    shared = {**owner_of(her_run), "shared": True}
    for name, owner, visitor, makers in (("own", None, anna, ()), ("shared", shared, bert, (anna,))):
        with ScriptedTraining(her_run, site.runs / f"20300101-000000-{name}", owner=owner) as training:
            training.begin()
            run = training.path
            assert visitor.ask("run_status", run.name)["status"] == "running"
            assert "is not yours" in visitor.refusal("stop", run.name).sentence
            assert not (run / "stop").exists()
            assert [maker.ask("stop", run.name)["status"] for maker in makers] == ["stopping"] * len(makers)
        shutil.rmtree(run)
    share(her_run)
    assert bert.predict(her_run.name)
    share(her_run, shared=False)
    with pytest.raises(RefusedError):
        bert.predict(her_run.name)


@pytest.mark.parametrize("torn", ["", "[]", '{"owner": 1}', "\udcff"])
def test_a_torn_note_of_whose_a_run_is_opens_it_to_nobody(
    site: Site, anna: Visitor, trained_run: Path, torn: str
) -> None:
    run = Path(shutil.copytree(trained_run, site.runs / "20200101-000000-torn"))
    (run / "owner.json").write_bytes(torn.encode("utf-8", "surrogateescape"))
    assert run.name not in {each["run"] for each in anna.ask("runs")}
    assert anna.refusal("run_status", run.name).code == "run_unknown"
    shutil.rmtree(run)


def test_no_address_serves_a_file_that_is_not_ones_own(site: Site, bert: Visitor, her_run: Path) -> None:
    (site.uploads / "link.txt").symlink_to(site.root / "secret.txt")
    secret = site.root / "secret.txt"
    asked = [
        secret, f"/{secret}", f"{site.uploads}/../secret.txt", f"{site.uploads}/link.txt", f"file://{secret}",
        her_run / "config.json", her_run / "owner.json", her_run / "about.json", ROOT / "app.py", "app.py",
        "../../../../../../../../etc/passwd", "/etc/passwd", "~/.bashrc", "http://127.0.0.1:1/x", "\x00", "a" * 5000,
    ]  # fmt: skip
    routes = ("file=", "gradio_api/file=", "gradio_api/file/", "gradio_api/proxy=")
    others = ("static/", "assets/", "svelte/", "theme.css/../")
    for path in map(str, asked):
        # Names that no file can have are a mistake of Gradio's own on its other routes: an error 500.
        for route in (*routes, *(others if len(path) < 200 and "\x00" not in path else ())):
            for form in {quote(path, safe="/:"), quote(path, safe="")}:
                answer = bert.http.get(f"{route}{form}", follow_redirects=True)
                is_page = answer.headers.get("content-type", "").startswith("text/html")
                assert answer.status_code != 200 or is_page, (route, path)
                assert told_of(answer.text) == [], (route, path)


def test_an_upload_stays_in_its_folder_whatever_it_is_called(site: Site, anna: Visitor) -> None:
    for name in ("../../evil.txt", "..\\evil.txt", "/etc/evil.txt", "x/../../evil.txt", ".", "a" * 300):
        answer = anna.http.post("gradio_api/upload", files={"files": (name, b"evil")})
        if answer.status_code == 200:
            assert Path(answer.json()[0]).resolve().is_relative_to(site.uploads), name
    evil = [*site.root.rglob("*evil*"), *site.root.parent.glob("*evil*"), *Path("/etc").glob("*evil*")]
    assert [path for path in evil if not path.is_relative_to(site.uploads)] == []


@pytest.mark.parametrize(
    "name",
    ["..", "../x", "/etc", "x/../y", "..\\x", "\x00", "a" * 5000, ".trash", "%2e%2e", "{run}/", "./{run}"],
)
def test_a_name_that_is_a_path_names_nothing(site: Site, bert: Visitor, trained_run: Path, name: str) -> None:
    name = name.replace("{run}", trained_run.name)
    for endpoint, values in (
        ("run_status", [name]),
        ("train", [name, "Quick", "", 1, 8, "head", 42, False]),
        ("train", [f"saved/{name}", "Quick", "", 1, 8, "head", 42, False]),
        ("compare", [[f"given/{name}"], "", "happy", 2, 1, False]),
        ("predict", [{"path": name}, ""]),
    ):
        said = bert.refusal(endpoint, *values).code
        assert said in ("run_unknown", "picture_set_unknown", "upload_missing", "setting_invalid")


def test_the_log_tells_of_events_and_never_of_pictures_names_or_texts(site: Site, anna: Visitor) -> None:
    # Whose it is, is told.
    assert NAME in anna.refusal("predict", anna.upload(NAME, b"no picture"), "").sentence
    assert anna.refusal("import_pictures", anna.upload(NAME, b"no zip"), "My holiday", "dog", False)
    anna.ask("predict", anna.upload(NAME, picture_bytes()), "")
    # What Gradio itself cannot make sense of, it would print a traceback of.
    for event in (each for each in anna.events() if len(each["inputs"]) == 1):
        anna.fire(event, [file_payload("/nowhere/" + NAME, NAME)])
    text = site.log.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    predictions = [line for line in lines if line["event"] == "prediction"]
    assert {"refused", "done"} <= {line["outcome"] for line in predictions}
    assert all(line["seconds"] >= 0 and 0 < len(line["visitor"]) <= 10 for line in predictions)
    assert [line["what"] for line in lines if line["event"] == "unexpected error" and line["trace"]] != []
    assert "holiday" not in text.lower()
    assert anna.http.cookies[COOKIE] not in text


# On the page


def offered(page: Page) -> Locator:
    """Return the sets that the Pictures tab of a reloaded page offers."""
    page.reload()
    open_tab(page, "Pictures")
    panel(page).get_by_label("Picture set", exact=True).first.click()
    return page.get_by_role("listbox")


@contextmanager
def program_of(page: Page, site: Site) -> Iterator[Visitor]:
    """Yield a program that has the cookie of a visitor's browser."""
    with Visitor(site.url, enters=False) as program:
        for cookie in page.context.cookies():
            program.http.cookies.set(cookie["name"], cookie["value"])
        yield program


@pytest.mark.slow
def test_a_run_is_on_its_makers_page_alone_until_it_is_shared_and_never_anothers_to_delete(
    site: Site, browser: Browser, tiny_pictures: Path, tiny_dinov2: Path
) -> None:
    from playwright.sync_api import expect

    with site.visit(browser) as anna, site.visit(browser) as bert, program_of(anna, site) as program:
        open_tab(bert, "Runs")
        run = site.runs / program.train(tiny_dinov2)
        until(lambda: status_of(run) == "finished")
        anna.reload()
        open_tab(anna, "Runs")
        says(anna, run.name)
        expect(bert.get_by_text(run.name)).to_have_count(0)
        panel(anna).get_by_label("Share with everyone").check()
        says(bert, run.name)
        expect(panel(bert).get_by_label("Share with everyone")).to_have_count(0)
        expect(bert.get_by_role("button", name="Delete", exact=True).first).to_be_disabled()
        # Bert's own picture, judged by Anna's model.
        open_tab(bert, "Predict")
        picture = next((tiny_pictures / "dog_eval" / "sad").iterdir())
        bert.get_by_role("tabpanel").locator("input[type=file]").first.set_input_files(picture)
        says(bert, f"Run {run.name}")
        panel(anna).get_by_label("Share with everyone").uncheck()
        until(lambda: not owner_of(run)["shared"])


@pytest.mark.slow
def test_a_set_is_its_makers_alone_until_it_is_shared_and_stays_theirs_to_change(
    site: Site, browser: Browser, tiny_pictures: Path, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    with site.visit(browser) as anna, site.visit(browser) as bert, program_of(anna, site) as program:
        key = program.bring(write_zip(tmp_path / "hers.zip", tiny_pictures / "dog_eval"), "My pictures")
        offered(anna)
        anna.get_by_role("option", name="My pictures").click()
        expect(panel(anna).first).to_contain_text("My pictures")
        expect(offered(bert)).not_to_contain_text("My pictures")
        # No folder of the server is offered to the public.
        expect(bert.get_by_label("Or a folder on this machine")).to_be_hidden()
        unfold(anna, "Rename or delete this set")
        panel(anna).get_by_label("Share with everyone").first.check()
        # His list is filled as his page loads, so the server has to know of it before.
        until(lambda: owner_of(site.sets / key.removeprefix("saved/"))["shared"])
        expect(offered(bert)).to_contain_text("My pictures")
        bert.get_by_role("option", name="My pictures").click()
        expect(panel(bert).first).to_contain_text("My pictures")
        expect(bert.get_by_role("button", name="Delete the ticked")).to_be_hidden()
        expect(bert.get_by_role("button", name="Rename or delete this set")).to_be_hidden()
