"""`bugsly check --lsp` as an editor talks to it: over its standard input and output."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.bugsly_command import BUGSLY_COMMAND, clean_environ
from tests.support.checked_code import FLASK, write_files

LEAK = f"{FLASK}log = []\n\n\n@app.get('/x')\ndef x():\n    log.append('𝄞'); log.append(2)\n"


class Editor:
    """The editor's end of the connection."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._id = 0

    def notify(self, method: str, params: Any) -> None:
        self._write({"method": method, "params": params})

    def request(self, method: str, params: Any) -> Any:
        self._id += 1
        self._write({"id": self._id, "method": method, "params": params})
        return self._await(lambda message: message.get("id") == self._id)["result"]

    def diagnostics(self) -> list[Any]:
        published = self._await(
            lambda message: message.get("method") == "textDocument/publishDiagnostics"
        )
        found: list[Any] = published["params"]["diagnostics"]
        return found

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _await(self, is_wanted: Any) -> Any:
        stream = self._process.stdout
        assert stream is not None
        while True:
            length = 0
            while line := stream.readline().strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            assert length, "the server has ended"
            message = json.loads(stream.read(length))
            if is_wanted(message):
                return message


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    with subprocess.Popen(
        [*BUGSLY_COMMAND, "check", "--lsp"],
        env=clean_environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        editor = Editor(process)
        folder = {"uri": tmp_path.as_uri(), "name": "app"}
        hello: dict[str, Any] = {
            "processId": None,
            "capabilities": {},
            "workspaceFolders": [folder],
        }
        capabilities = editor.request("initialize", hello)["capabilities"]
        assert capabilities["codeActionProvider"]
        editor.notify("initialized", {})
        yield editor
        editor.request("shutdown", None)
        editor.notify("exit", None)
        assert process.wait(20) == 0


def test_an_editor_sees_findings_and_fixes_while_code_is_written(
    editor: Editor, tmp_path: Path
) -> None:
    (file,) = write_files(tmp_path, {"shop.py": "on disk it is another"})
    uri = file.as_uri()
    opened = {"uri": uri, "languageId": "python", "version": 1, "text": LEAK}
    editor.notify("textDocument/didOpen", {"textDocument": opened})
    first, second = editor.diagnostics()
    assert (first["code"], first["source"]) == ("BG101", "bugsly")
    assert first["range"]["start"] == {"line": 8, "character": 4}
    assert second["range"]["start"] == {"line": 8, "character": 22}, "in UTF-16, as editors count"
    asked = {"textDocument": {"uri": uri}, "range": first["range"], "context": {"diagnostics": []}}
    action = editor.request("textDocument/codeAction", asked)[0]
    assert action["title"] == "Fix BG101"
    (edit,) = action["edit"]["changes"][uri]
    change = {
        "textDocument": {"uri": uri, "version": 2},
        "contentChanges": [{"text": edit["newText"]}],
    }
    editor.notify("textDocument/didChange", change)
    assert editor.diagnostics() == []
    assert editor.request("textDocument/codeAction", asked) == []
