"""Clients by URL scheme."""

from export.serving.client import Client, Settings, Target


def connect(url: str, settings: Settings | None = None) -> Client:
    """A client of the model that a URL names; no request is sent yet.

    Args:
        url: see `Target.parse`.
        settings: of the client.

    Raises:
        UserError: the URL is invalid, or gRPC needs the extra `serving`.

    Example::

        with connect("grpc://127.0.0.1:8500/stark") as client:
            scores = client.predict({"keypoints": clips, "lengths": lengths})["logits"]
    """
    target, settings = Target.parse(url), settings or Settings()
    if target.scheme in ("http", "https"):
        from export.serving.client_rest import RestClient

        return RestClient(target, settings)
    from export.serving.client_grpc import GrpcClient

    return GrpcClient(target, settings)
