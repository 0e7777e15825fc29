"""Two strangers who check our signatures: dkimpy, and OpenDKIM by its library. Neither asks the DNS."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Mapping
from ctypes import byref, c_bool, c_char_p, c_int, c_size_t, c_void_p
from pathlib import Path

import dkim
import pytest

Records = Mapping[str, str]  # TXT records by their names


def dkimpy_says(mail: bytes, records: Records) -> list[bool]:
    """Whether each signature of the mail is good, from the top."""

    def answer(name: bytes, timeout: int = 5) -> bytes | None:
        record = records.get(name.decode().rstrip("."))
        return record.encode() if record else None

    asked = dkim.DKIM(mail)
    count = sum(name.lower() == b"dkim-signature" for name, _ in asked.headers)
    verdicts = []
    for index in range(count):
        try:
            verdicts.append(bool(dkim.DKIM(mail).verify(idx=index, dnsfunc=answer)))
        except dkim.DKIMException:
            verdicts.append(False)
    return verdicts


# OpenDKIM's dkim.h
SETOPT = 1
QUERY_METHOD, QUERY_INFO = 6, 7
FROM_A_FILE = 1
PASSED, BODY_MATCHES = 0x04, 0
ED25519 = 11


class OpenDkim:
    """OpenDKIM's verifier, which reads public keys from a file instead of DNS."""

    def __init__(self, folder: Path, records: Records) -> None:
        name = ctypes.util.find_library("opendkim")
        if name is None:
            pytest.skip("OpenDKIM is not installed: make tools")
        self._lib = _declared(ctypes.CDLL(name))
        file = folder / "records"
        file.write_text("".join(f"{name} {value}\n" for name, value in records.items()))
        self._handle = self._lib.dkim_init(None, None)
        method, info = c_int(FROM_A_FILE), str(file).encode()
        for option, pointer, size in (
            (QUERY_METHOD, byref(method), ctypes.sizeof(method)),
            (QUERY_INFO, c_char_p(info), len(info)),
        ):
            assert self._lib.dkim_options(self._handle, SETOPT, option, pointer, size) == 0

    @property
    def knows_ed25519(self) -> bool:
        return bool(self._lib.dkim_libfeature(self._handle, ED25519))

    def says(self, mail: bytes) -> list[bool]:
        """Whether each signature of the mail is good, from the top."""
        status, testing = c_int(), c_bool()
        verifier = self._lib.dkim_verify(self._handle, b"test", None, byref(status))
        assert verifier and status.value == 0
        try:
            self._lib.dkim_chunk(verifier, mail, len(mail))
            self._lib.dkim_chunk(verifier, None, 0)
            self._lib.dkim_eom(verifier, byref(testing))
            found, count = ctypes.POINTER(c_void_p)(), c_int()
            self._lib.dkim_getsiglist(verifier, byref(found), byref(count))
            return [self._is_good(found[number]) for number in range(count.value)]
        finally:
            self._lib.dkim_free(verifier)

    def _is_good(self, signature: int | None) -> bool:
        passed = self._lib.dkim_sig_getflags(signature) & PASSED
        return bool(passed) and self._lib.dkim_sig_getbh(signature) == BODY_MATCHES

    def close(self) -> None:
        self._lib.dkim_close(self._handle)


def _declared(lib: ctypes.CDLL) -> ctypes.CDLL:
    """The functions with the types that they take and give; ctypes would take pointers for numbers."""
    pointer = c_void_p
    for name, gives, takes in (
        ("dkim_init", pointer, [pointer, pointer]),
        ("dkim_close", None, [pointer]),
        ("dkim_options", c_int, [pointer, c_int, c_int, pointer, c_size_t]),
        ("dkim_libfeature", c_bool, [pointer, ctypes.c_uint]),
        ("dkim_verify", pointer, [pointer, c_char_p, pointer, pointer]),
        ("dkim_chunk", c_int, [pointer, c_char_p, c_size_t]),
        ("dkim_eom", c_int, [pointer, pointer]),
        ("dkim_getsiglist", c_int, [pointer, pointer, pointer]),
        ("dkim_sig_getflags", ctypes.c_uint, [pointer]),
        ("dkim_sig_getbh", c_int, [pointer]),
        ("dkim_free", c_int, [pointer]),
    ):
        function = getattr(lib, name)
        function.restype, function.argtypes = gives, takes
    return lib
