"""Errors a person can act on. Each message says what is wrong and what to do, in one sentence or two.

``code`` names the kind for programs and stays the same when a message changes. An endpoint may set a closer one.
"""


class EmotionError(Exception):
    """Base of all errors raised on purpose by this project; its text is shown unchanged."""

    code = "failed"


class ConfigError(EmotionError):  # A setting is out of range, or two settings conflict.
    code = "setting_invalid"


class PictureError(EmotionError):  # A picture or a folder of pictures cannot be used.
    code = "pictures_unusable"


class BackboneError(EmotionError):  # A backbone is unknown, not installed, or of a kind that cannot be trained.
    code = "backbone_unusable"


class HubError(EmotionError):  # The Hugging Face Hub cannot be reached, or rejects an upload.
    pass


class RunError(EmotionError):  # A run folder is missing, incomplete, or in a state that does not allow the request.
    code = "run_unusable"


class RefusedError(EmotionError):  # A visitor requested something of another's, or more than this server allows.
    code = "refused"


class SpaceError(EmotionError):  # The folder for a Space cannot be written: something is missing or in the way.
    pass
