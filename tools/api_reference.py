#!/usr/bin/env python3
"""Writes docs/api-reference.md from the comments of the protos.

usage: api_reference.py [--check]

--check: writes nothing; exits with 1 if the file is not what would be written, and names each thing without a comment.
Needs protoc and the Python package protobuf (the environment of client/python/requirements-test.txt has it).
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "api-reference.md"
FILES = [f"tweedie/v1/{name}.proto" for name in ("tweedie_service", "job", "task", "operator", "model", "tensor")]
PACKAGE = ".tweedie.v1."
Field = descriptor_pb2.FieldDescriptorProto
# Numbers of the fields of descriptor.proto, of which the paths of comments are made.
FILE_MESSAGE, FILE_ENUM, FILE_SERVICE = 4, 5, 6
MESSAGE_FIELD, MESSAGE_NESTED, MESSAGE_ENUM, MESSAGE_ONEOF = 2, 3, 4, 8
ENUM_VALUE, SERVICE_METHOD = 2, 2
HEAD = """# API reference

Made from the comments of [proto/tweedie/v1](../proto/tweedie/v1) by `tools/api_reference.py`; not to be edited.
[api.md](api.md) introduces the service. Names of messages and enums are those in the package `tweedie.v1`.
"""


def descriptors():
    """Returns the FileDescriptorProto of each of FILES, with comments."""
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(["protoc", "-I", str(ROOT / "proto"), "--include_source_info",
                        f"--descriptor_set_out={file.name}", *FILES], check=True)
        found = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(file.name).read_bytes())
    return sorted(found.file, key=lambda one: FILES.index(one.name))


class Page:
    """The text of the reference, and what has no comment."""

    def __init__(self):
        self.lines = [HEAD]
        self.bare = []

    def add(self, *lines):
        self.lines.extend(lines)

    def text(self):
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines)).rstrip() + "\n"


class Source:
    """The comments of a file."""

    def __init__(self, file, page):
        self._comments = {tuple(one.path): one.leading_comments or one.trailing_comments
                          for one in file.source_code_info.location}
        self._page = page

    def of(self, path, name):
        """Returns Markdown; notes the name if there is none."""
        text = "\n".join(line.removeprefix(" ") for line in self._comments.get(tuple(path), "").splitlines()).strip()
        if not text:
            self._page.bare.append(name)
        return text


def cell(text):
    """Returns paragraphs and lists of a comment as one line of a table."""
    text = re.sub(r"\n\s*\n|\n(?=\* )", "<br>", text)
    return " ".join(text.split()).replace("|", "\\|")


def anchor(name):
    return name.lower().replace(".", "")


def type_of(field, entries):
    """Returns a field's type, with a link to ours."""
    if field.type_name in entries:
        key, value = entries[field.type_name].field
        return f"map&lt;{type_of(key, {})}, {type_of(value, {})}&gt;"
    if not field.type_name:
        name = Field.Type.Name(field.type).removeprefix("TYPE_").lower()
    elif field.type_name.startswith(PACKAGE):
        short = field.type_name.removeprefix(PACKAGE)
        name = f"[{short}](#{anchor(short)})"
    else:
        name = field.type_name.removeprefix(".")
    return f"repeated {name}" if field.label == Field.LABEL_REPEATED else name


def link(type_name):
    short = type_name.removeprefix(PACKAGE)
    return f"[{short}](#{anchor(short)})" if type_name.startswith(PACKAGE) else short.removeprefix(".")


def add_service(page, source, service, path):
    page.add(f"## {service.name}", "", source.of(path, service.name), "")
    for index, method in enumerate(service.method):
        streams = "stream of " if method.server_streaming else ""
        page.add(f"### {method.name}", "", f"{link(method.input_type)} → {streams}{link(method.output_type)}", "",
                 source.of([*path, SERVICE_METHOD, index], f"{service.name}.{method.name}"), "")


def add_enum(page, source, enum, path, name):
    page.add(f"### {name}", "", source.of(path, name), "", "| value | number | |", "|---|---|---|")
    for index, value in enumerate(enum.value):
        comment = source.of([*path, ENUM_VALUE, index], f"{name}.{value.name}")
        page.add(f"| `{value.name}` | {value.number} | {cell(comment)} |")
    page.add("")


def add_fields(page, source, message, path, name):
    entries = {f"{PACKAGE}{name}.{one.name}": one for one in message.nested_type if one.options.map_entry}
    page.add("| field | type | |", "|---|---|---|")
    for index, field in enumerate(message.field):
        comment = cell(source.of([*path, MESSAGE_FIELD, index], f"{name}.{field.name}"))
        one_of = field.HasField("oneof_index") and not field.proto3_optional
        choice = f" (one of `{message.oneof_decl[field.oneof_index].name}`)" if one_of else ""
        page.add(f"| `{field.name}` = {field.number} | {type_of(field, entries)}{choice} | {comment} |")
    page.add("")


def add_oneofs(page, source, message, path, name):
    chosen = {field.oneof_index for field in message.field if field.HasField("oneof_index") and not field.proto3_optional}
    for index in sorted(chosen):
        one = message.oneof_decl[index].name
        page.add(f"`{one}`: {source.of([*path, MESSAGE_ONEOF, index], f'{name}.{one}')}", "")


def add_message(page, source, message, path, name):
    page.add(f"### {name}", "", source.of(path, name), "")
    if message.field:
        add_fields(page, source, message, path, name)
        add_oneofs(page, source, message, path, name)
    for index, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            add_message(page, source, nested, [*path, MESSAGE_NESTED, index], f"{name}.{nested.name}")
    for index, enum in enumerate(message.enum_type):
        add_enum(page, source, enum, [*path, MESSAGE_ENUM, index], f"{name}.{enum.name}")


def make_page():
    page = Page()
    for file in descriptors():
        source = Source(file, page)
        for index, service in enumerate(file.service):
            add_service(page, source, service, [FILE_SERVICE, index])
        page.add(f"## {pathlib.Path(file.name).name}", "")
        for index, message in enumerate(file.message_type):
            add_message(page, source, message, [FILE_MESSAGE, index], message.name)
        for index, enum in enumerate(file.enum_type):
            add_enum(page, source, enum, [FILE_ENUM, index], enum.name)
    return page


def check(page):
    """Returns what is wrong."""
    wrong = [f"{name} has no comment" for name in page.bare]
    if not OUT.exists() or OUT.read_text(encoding="utf-8") != page.text():
        wrong.append(f"{OUT.relative_to(ROOT)} is not what the protos say: run tools/api_reference.py")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    page = make_page()
    if arguments.check:
        sys.exit("\n".join(check(page)) or 0)
    OUT.write_text(page.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
