"""What can be wrong with something that arrives over HTTP.

WebhookError
├── Unauthorized        401
├── Forbidden           403
├── Undecodable         400
├── TooLarge            413
├── UnsupportedMedia    415
└── Unavailable         503
"""


class WebhookError(Exception):
    """The request could not be accepted."""

    status = 400


class Unauthorized(WebhookError):
    """The key or the signature is missing or wrong."""

    status = 401


class Forbidden(WebhookError):
    """The key is known, but not for this."""

    status = 403


class Undecodable(WebhookError):
    """The body is not what its headers say it is."""

    status = 400


class TooLarge(WebhookError):
    """The body is larger than the limit, before or after decompression."""

    status = 413


class UnsupportedMedia(WebhookError):
    """The content type or content encoding is not one that is read here."""

    status = 415


class Unavailable(WebhookError):
    """The data could not be made durable now; send it again."""

    status = 503
