"""`status` and `issues` read a folder, with or without its server, or a server elsewhere."""

import json
import re
import urllib.request
from pathlib import Path

from tests.support.bugsly_command import run_bugsly, running_bugsly


def test_dsn_makes_the_project_and_prints_the_same_line_again(tmp_path: Path) -> None:
    first = run_bugsly("dsn", "shop", "--data-dir", str(tmp_path), "--port", "9000")
    again = run_bugsly("dsn", "shop", "--data-dir", str(tmp_path), "--port", "9000")
    assert re.fullmatch(r"http://[0-9a-f]{32}@127\.0\.0\.1:9000/1\n", first.stdout)
    assert again.stdout == first.stdout


def test_dsn_tells_the_key_of_an_sdk_from_that_of_an_agent(tmp_path: Path) -> None:
    printed = {
        run_bugsly("dsn", "shop", *kind, "--data-dir", str(tmp_path)).stdout
        for kind in ((), ("--kind", "agent"), ("--kind", "sdk"), ("--kind", "sdk"))
    }
    assert len(printed) == 2


def test_dsn_uses_the_public_address(tmp_path: Path) -> None:
    url = "https://bugs.example.com/inside"
    done = run_bugsly("dsn", "--data-dir", str(tmp_path), BUGSLY_PUBLIC_URL=url)
    assert re.fullmatch(r"https://[0-9a-f]{32}@bugs\.example\.com/inside/1\n", done.stdout)


def test_a_folder_without_workers_says_so_and_gives_empty_json(tmp_path: Path) -> None:
    run_bugsly("dsn", "shop", "--data-dir", str(tmp_path))
    assert (
        run_bugsly("status", "--data-dir", str(tmp_path)).stdout == "shop\nno worker is running\n"
    )
    done = run_bugsly("status", "--json", "--data-dir", str(tmp_path))
    assert json.loads(done.stdout) == {"shop": []}
    done = run_bugsly("issues", "--json", "--data-dir", str(tmp_path))
    assert json.loads(done.stdout) == {"shop": []}


def test_an_unknown_project_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    run_bugsly("dsn", "shop", "--data-dir", str(tmp_path))
    done = run_bugsly("status", "--project", "shoe", "--data-dir", str(tmp_path))
    assert done.returncode == 2
    assert "project: 'shoe' does not exist → choose one of: shop" in done.stderr


def test_a_server_elsewhere_wants_a_token(tmp_path: Path) -> None:
    with running_bugsly("serve", "--port", "0", "--data-dir", str(tmp_path)) as server:
        link = server.await_output(r"Create the owner's at (\S+)")
        url = link.partition("/welcome")[0]
        refused = run_bugsly("status", "--url", url)
        token = _token(link)
        done = run_bugsly("status", "--json", BUGSLY_URL=url, BUGSLY_TOKEN=token)
    assert refused.returncode == 2
    assert (
        "the server answered 401 → set BUGSLY_TOKEN to a token from its account page"
        in refused.stderr
    )
    assert json.loads(done.stdout) == {"app": []}


def test_serve_ends_at_once_when_it_is_told_to(tmp_path: Path) -> None:
    with running_bugsly("serve", "--port", "0", "--data-dir", str(tmp_path)) as server:
        server.await_output("Create the owner's at")
        assert server.end() == 0
    assert "Traceback" not in server.output


def _token(link: str) -> str:
    """Make the owner's account and a token as a browser would."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    url, _, code = link.partition("/welcome?code=")
    answers = f"name=owner&password=correct-horse&code={code}"
    opener.open(f"{url}/welcome", data=answers.encode()).read()
    page = opener.open(f"{url}/account/tokens", data=b"name=test").read().decode()
    found = re.search(r"bugsly_[\w-]+", page)
    assert found is not None
    return found[0]
