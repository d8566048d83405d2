"""Shows findings in an editor while code is written: a language server.

Each open, change and save checks the whole project, since what one module does may matter to
another. Changes that come meanwhile are checked together.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls import uris
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument

from bugsly_server import __version__
from bugsly_server.check.baseline import Baseline
from bugsly_server.check.check_run import CheckRun, collect_sources
from bugsly_server.check.check_settings import load_configuration
from bugsly_server.check.finding_fix import fix
from bugsly_server.check.rule import CheckFinding
from bugsly_server.check.rules import check_rules
from bugsly_server.check.selection import Selection
from bugsly_server.errors import BugslyError
from bugsly_server.explain.fixes.source_edits import split_lines

STACK_BYTES = 64 * 1024 * 1024
"""Of the threads that check: source is walked by recursion, and some systems give half a MB."""


class EditorSession:
    """What an editor was told, and what it has open."""

    def __init__(self, server: LanguageServer) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._changes = 0
        self._told: dict[str, tuple[str, list[CheckFinding]]] = {}
        """The text and the findings of each document."""

    def check(self) -> None:
        """Check the project and tell the editor, unless a later change will."""
        self._changes += 1
        change = self._changes
        with self._lock:
            if change != self._changes:
                return
            try:
                self._check()
            except BugslyError as error:
                self._server.window_show_message(
                    types.ShowMessageParams(types.MessageType.Error, f"bugsly: {error}")
                )

    def _check(self) -> None:
        documents = dict(self._server.workspace.text_documents)
        for root in self._roots(documents):
            configuration = load_configuration(None, [root])
            sources, unread = collect_sources([root], configuration)
            texts = {Path(document.path): document.source for document in documents.values()}
            sources |= {path: texts[path].encode() for path in texts.keys() & sources.keys()}
            file = configuration.baseline_file
            baseline = None if file is None else Baseline.load(file)
            selection = Selection.read((), (), configuration, check_rules())
            report = CheckRun(selection, baseline, unread, None).check(sources)
            for uri, document in documents.items():
                if Path(document.path).is_relative_to(root):
                    path = Path(document.path)
                    found = [finding for finding in report.findings if finding.path == path]
                    self._told[uri] = (document.source, found)
                    self._publish(document, found)

    def _roots(self, documents: dict[str, TextDocument]) -> set[Path]:
        folders = self._server.workspace.folders
        paths = [uris.to_fs_path(uri) for uri in folders]
        roots = {Path(path) for path in paths if path is not None}
        return roots or {Path(document.path).parent for document in documents.values()}

    def _publish(self, document: TextDocument, findings: list[CheckFinding]) -> None:
        diagnostics = [
            types.Diagnostic(
                range=_range(document, finding),
                message=finding.message,
                severity=types.DiagnosticSeverity.Warning,
                code=finding.code,
                source="bugsly",
            )
            for finding in findings
        ]
        self._server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(document.uri, diagnostics, document.version)
        )

    def fixes(self, asked: types.CodeActionParams) -> list[types.CodeAction]:
        """Return the fixes of what was found in the lines that are asked for."""
        document = self._server.workspace.get_text_document(asked.text_document.uri)
        text, findings = self._told.get(document.uri, ("", []))
        lines = range(asked.range.start.line + 1, asked.range.end.line + 2)
        if text != document.source:
            return []
        return [
            action
            for finding in findings
            if finding.line in lines and (action := _action(document, finding)) is not None
        ]


def _range(document: TextDocument, finding: CheckFinding) -> types.Range:
    """Return what is underlined: from where the finding begins to the end of the line."""
    lines = split_lines(document.source)
    line = finding.line - 1
    end = len(lines[line]) if line < len(lines) else finding.column
    return document.position_codec.range_to_client_units(
        document.lines,
        types.Range(types.Position(line, finding.column - 1), types.Position(line, end)),
    )


def _action(document: TextDocument, finding: CheckFinding) -> types.CodeAction | None:
    """Return the fix of *finding*, as an edit of the whole document."""
    lines = split_lines(document.source)
    fixed = fix(finding, finding.line, lines)
    if fixed is None:
        return None
    end = "\r\n" if "\r\n" in document.source else "\n"
    whole = types.Range(types.Position(0, 0), types.Position(len(lines) + 1, 0))
    edit = types.TextEdit(whole, end.join(fixed) + end)
    return types.CodeAction(
        title=f"Fix {finding.code}",
        kind=types.CodeActionKind.QuickFix,
        edit=types.WorkspaceEdit(changes={document.uri: [edit]}),
    )


def make_server() -> LanguageServer:
    """Return the server, with nothing open."""
    server = LanguageServer("bugsly", __version__)
    session = EditorSession(server)

    def on_change(_params: Any) -> None:
        session.check()

    for event in (
        types.TEXT_DOCUMENT_DID_OPEN,
        types.TEXT_DOCUMENT_DID_CHANGE,
        types.TEXT_DOCUMENT_DID_SAVE,
    ):
        server.feature(event)(server.thread()(on_change))

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION)
    def on_code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        return session.fixes(params)

    return server


def serve() -> None:
    """Serve the editor at the other end of standard input and output until it ends."""
    threading.stack_size(STACK_BYTES)
    make_server().start_io()
