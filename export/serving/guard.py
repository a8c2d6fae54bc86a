"""Access control of the server: token and TLS."""

import hmac
import ssl
from dataclasses import dataclass
from pathlib import Path

from export.serving.failure import ServingError
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_text

_LEAST = 16


@dataclass(frozen=True)
class Guard:
    """Requirements for requests.

    Attributes:
        token: required as `Authorization: Bearer TOKEN`; None allows all requests.
        certificate, key: PEM files of the server; None for no TLS.

    >>> from export.serving.guard import Guard
    >>> Guard(token="a secret of some length").check("Bearer a secret of some length")
    """

    token: str | None = None
    certificate: Path | None = None
    key: Path | None = None

    def check(self, authorization: str | None) -> None:
        """Refuse a request without the token.

        Raises:
            ServingError: UNAUTHENTICATED.
        """
        if self.token is None:
            return
        given = (authorization or "").encode(errors="replace")
        if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            raise ServingError(
                "UNAUTHENTICATED", "send the server's token: Authorization: Bearer TOKEN"
            )

    def ssl_context(self) -> ssl.SSLContext | None:
        """TLS context of the REST interface; None without TLS.

        Raises:
            UserError: the files are not a certificate and its key.
        """
        if self.certificate is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise UserError(
                f"{self.certificate}, {self.key}: not a PEM certificate and its key "
                f"({error.strerror or error})"
            ) from None
        return context


def read_token(path: str | Path) -> str:
    """The token in a file: one line of at least 16 characters.

    Raises:
        UserError: the file is missing or holds no token.
    """
    token = read_text(path).strip()
    if len(token) < _LEAST or not token.isascii() or not token.isprintable():
        raise UserError(
            f"{path}: a token is one line of at least {_LEAST} printable ASCII characters; "
            "`openssl rand -hex 32` makes one"
        )
    return token
