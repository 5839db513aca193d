"""What the one file starts: the command line, called as the file was."""

import os
import sys

#: Where the OpenSSL in this file looks for authorities: where the machine had them that built it.
OWN = (r"@CAFILE@", r"@CAPATH@")

#: Where other machines have them.
AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def trust_this_machine() -> None:
    """Say where its authorities are, if nobody has and OpenSSL would find none."""
    if not any(map(os.path.exists, OWN)):
        found = next(filter(os.path.exists, AUTHORITIES), "")
        if found and "SSL_CERT_DIR" not in os.environ:
            os.environ.setdefault("SSL_CERT_FILE", found)


del sys.argv[0]
sys.path.append(os.path.join(os.path.dirname(os.__file__), "site-packages"))
trust_this_machine()

from customevents.cli import main  # noqa: E402

main()
