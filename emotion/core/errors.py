"""Errors a person can act on. Each message says what is wrong and what to do, in one sentence or two."""


class EmotionError(Exception):
    """Base of every error that this project raises on purpose; its text is shown as it stands."""


class ConfigError(EmotionError):
    """A setting is out of its range, or two settings do not go together."""


class PictureError(EmotionError):
    """A picture or a folder of pictures cannot be used."""


class BackboneError(EmotionError):
    """A backbone is unknown, not here, or not of a kind that can be trained."""


class HubError(EmotionError):
    """The Hugging Face Hub cannot be reached, or does not take what it is given."""


class RunError(EmotionError):
    """A run folder is missing, incomplete, or not in a state that allows what was asked."""


class RefusedError(EmotionError):
    """A visitor asked for what is somebody else's, or for more than this server gives."""


class SpaceError(EmotionError):
    """The folder for a Space cannot be written: something is missing, does not belong, or stands in the way."""
