"""A theme is somebody's text on our disk: it gets out of its sandbox by no known way, reads no file and
opens no connection, and whatever it holds, the process lives (security groups I, VI and VII)."""

from __future__ import annotations

import builtins
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2.exceptions import SecurityError, TemplateAssertionError, TemplateSyntaxError, UndefinedError

from newsletter.render.compile import compile_edition
from newsletter.render.lint.check import check_theme
from newsletter.render.lint.faults import Faulty
from newsletter.render.sample import states
from newsletter.render.theme import load_theme
from tests.render.themes import own_theme

FULL = {"full": states()["full"]}

# Ways out of Jinja that were published, by advisories or by those who test sites
ESCAPES = [
    # from a literal or a name to its class, and up and down the tree of classes
    "{{ ''.__class__.__mro__[1].__subclasses__()[40]('/etc/passwd').read() }}",
    "{{ [].__class__.__base__.__subclasses__() }}",
    "{{ ().__class__.__bases__[0].__subclasses__() }}",
    "{{ {}.__class__.mro()[1] }}",
    "{{ (1).__class__ }}",
    "{{ ''['__class__']['__mro__'] }}",
    "{{ ''['__cla' ~ 'ss__'] }}",
    "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ ''|attr(['__cla', 'ss__']|join) }}",
    "{{ edition|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ edition.__class__.__init__.__globals__ }}",
    "{{ edition.lead.__init__.__globals__['os'] }}",
    "{{ label.why.__globals__['__builtins__'] }}",
    "{{ label.why.__func__.__code__ }}",
    "{{ label.play.__self__.__class__ }}",
    "{{ range.__class__ }}",
    "{{ namespace.__init__.__globals__['sys'].modules['os'].popen('id').read() }}",
    # what frameworks leave lying about
    "{{ self.__init__.__globals__.__builtins__ }}",
    "{{ self._TemplateReference__context.cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__.os }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ config.items() }}",
    "{{ request.application.__globals__.__builtins__.__import__('os') }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ url_for.__globals__ }}",
    # CVE-2019-10906, CVE-2024-56326, CVE-2025-27516: format, in person, stored, and fetched by a filter
    "{{ '{0.__class__.__init__.__globals__}'.format(edition) }}",
    "{{ '{x.__class__}'.format_map({'x': edition}) }}",
    "{% set f = '{0.__class__}'.format %}{{ f(edition) }}",
    "{% set ns = namespace(f='{0.__class__}'.format) %}{{ ns.f(edition) }}",
    "{{ ('{0.__class__}'|attr('format'))(edition) }}",
    "{{ ['{0.__class__}']|map('format', edition)|first }}",
    "{{ [edition]|map(attribute='__class__')|list }}",
    "{{ '%(x)s'|format(x=edition.__class__) }}",
    "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
    "{% macro m() %}{{ caller.__code__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "{% for key in loop.__init__.__globals__ %}{{ key }}{% endfor %}",
    "{% import 'os' as os %}{{ os.popen('id') }}",
    "{% extends edition.__class__ %}",
]  # fmt: skip


@pytest.mark.parametrize("escape", ESCAPES)
def test_no_published_escape_gets_out(escape: str, tmp_path: Path) -> None:
    theme = own_theme(tmp_path, {"parts/more.mjml.j2": f"<mj-raw>{escape}</mj-raw>"})
    with pytest.raises(Faulty) as faulty:
        compile_edition(FULL["full"], theme)
    stopped_by = (SecurityError, UndefinedError, TemplateAssertionError, TemplateSyntaxError, LookupError)
    assert isinstance(faulty.value.__cause__, stopped_by), repr(faulty.value.__cause__)
    assert faulty.value.faults[0].place == "parts/more.mjml.j2:1"
    assert "root:" not in faulty.value.sentence and "uid=" not in faulty.value.sentence


def test_the_corpus_is_large_and_each_is_there_once() -> None:
    assert len(set(ESCAPES)) == len(ESCAPES) >= 30


@pytest.mark.parametrize(
    "name", ["x{0.__class__}.j2", "x{{ 7*7 }}.j2", "X.j2", "x y.j2", "%2e%2e.j2", "x\n.j2"]
)
def test_a_hostile_file_name_is_refused_by_inclusion_and_by_the_check(name: str, tmp_path: Path) -> None:
    quoted = name.replace("\n", "\\n")
    theme = own_theme(tmp_path, {name: "SECRET", "parts/more.mjml.j2": f'{{% include "{quoted}" %}}'})
    with pytest.raises(Faulty, match="cannot be a theme file"):
        compile_edition(FULL["full"], theme)
    found = check_theme(theme, FULL)
    assert {fault.file for fault in found} == {name, "parts/more.mjml.j2"}
    assert all("cannot be a theme file" in fault.what for fault in found)


FETCHING = [
    ("inline.css", "@import url('http://127.0.0.1:9/a.css');", "inlined rules hold '@import'"),
    ("inline.css", "p { background: url(file:///etc/hostname) }", "inlined rules hold 'url'"),
    ("screen.css", "@import 'https://x.example/a.css';", "'@import' may not stand in a style sheet"),
    ("screen.css", "p { background: url(file:///etc/hostname) }", "not a whole https address: 'file:///etc"),
    ("head", '<mj-raw><link rel="stylesheet" href="https://x.example/a.css" /></mj-raw>', "<link> may not"),
    ("head", '<mj-include path="/etc/hostname" />', "unknown component <mj-include>"),
    ("head", '<mj-font name="Georgia" href="https://x.example/a.css" />', "unknown component <mj-font>"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "added", "what"), FETCHING)
def test_what_would_fetch_is_a_fault_with_its_place_and_fetches_nothing(
    file: str, added: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = load_theme("default").folders[0]
    if file == "head":
        file, text = "layout.mjml.j2", (shipped / "layout.mjml.j2").read_text()
        text = text.replace("  </mj-head>", f"{added}\n  </mj-head>")
    else:
        text = f"{added}\n{(shipped / file).read_text()}"
    theme = own_theme(tmp_path, {file: text})
    line = next(number for number, one in enumerate(text.splitlines(), 1) if added in one)

    def no_connection(*_: object) -> None:
        raise AssertionError("a connection was tried")

    opened, really_open = [], builtins.open
    monkeypatch.setattr(socket.socket, "connect", no_connection)
    monkeypatch.setattr(
        builtins, "open", lambda name, *a, **k: (opened.append(name), really_open(name, *a, **k))[1]
    )
    found = check_theme(theme, FULL)
    assert [fault for fault in found if what in fault.what and fault.place == f"{file}:{line}"], found
    assert [name for name in opened if "hostname" in str(name)] == []


@pytest.mark.parametrize("tag", ["div", "mj-raw", "b", "table"])
def test_twelve_thousand_nested_tags_are_a_fault_and_the_process_lives(tag: str, tmp_path: Path) -> None:
    deep = f"<{tag}>" * 12_000 + f"</{tag}>" * 12_000
    own_theme(tmp_path, {"parts/more.mjml.j2": f"<mj-raw>\n{deep}\n</mj-raw>"})
    told = subprocess.run(
        [sys.executable, "-c",
         "from newsletter.render.lint.check import check_theme; from newsletter.render.sample import states;"
         "from newsletter.render.theme import load_theme; from pathlib import Path; import sys;"
         "found = check_theme(load_theme('mine', Path(sys.argv[1])), {'full': states()['full']});"
         "print(found[-1])", tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "parts/more.mjml.j2', line=2" in told.stdout


NESTING_JINJA = [
    "{% if true %}",
    "{{ (",
    "{% for x in [1] %}",
    "{% set x %}",
    "{{ 1 }}{{ 1" + "+1" * 12_000 + "}}",
]


@pytest.mark.parametrize("opening", NESTING_JINJA)
def test_a_template_that_nests_without_end_is_a_fault(opening: str, tmp_path: Path) -> None:
    theme = own_theme(tmp_path, {"parts/more.mjml.j2": opening * (12_000 if len(opening) < 99 else 1)})
    assert {fault.file for fault in check_theme(theme, FULL)} == {"parts/more.mjml.j2"}
