"""Reading a public certificate: what a person may hand over by mistake is refused before anything of it is carried."""

from __future__ import annotations

from pathlib import Path

import pytest

from pbisetup.model.errors import UsageError
from pbisetup.services.public_certificate import read_public_certificate
from tests.support.certificate import ClientCertificate

CERTIFICATE = ClientCertificate(common_name="reports")


@pytest.mark.parametrize("content", [CERTIFICATE.public_pem, CERTIFICATE.der, b"notes\n" + CERTIFICATE.public_pem])
def test_one_certificate_is_read_from_pem_and_der(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "public.cer"
    path.write_bytes(content)
    found = read_public_certificate(path)
    assert found.der == CERTIFICATE.base64
    assert found.subject == "CN=reports"
    assert len(found.thumbprint) == 40
    assert found.starts < found.ends


REFUSED = {
    "with its private key": (CERTIFICATE.pem, "public.pem", "holds a private key"),
    "a private key alone": (CERTIFICATE.pem.split(b"CERTIFICATE-----\n")[-1], "key.pem", "holds a private key"),
    "an older form of key": (b"-----BEGIN RSA PRIVATE KEY-----\nx\n", "key.pem", "holds a private key"),
    "an encrypted key": (b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n", "key.pem", "holds a private key"),
    "a bundle of Windows": (b"0\x82", "bundle.PFX", "holds a private key"),
    "two certificates": (CERTIFICATE.public_pem * 2, "chain.pem", "holds 2 certificates"),
    "none": (b"hello", "public.pem", "holds no certificate"),
    "nothing": (b"", "public.pem", "holds no certificate"),
    "a broken one": (b"-----BEGIN CERTIFICATE-----\nMI\n-----END CERTIFICATE-----", "public.pem", "holds no certificate"),
    "one that has ended": (ClientCertificate(days=-1).public_pem, "public.pem", "it ended on"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_anything_else_is_refused_by_name_without_its_content(case: str, tmp_path: Path) -> None:
    content, name, said = REFUSED[case]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError) as refused:
        read_public_certificate(path)
    assert said in refused.value.message
    assert "BEGIN" not in f"{refused.value.message} {refused.value.remedy}"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.pem", tmp_path):
        with pytest.raises(UsageError, match="--certificate"):
            read_public_certificate(path)
