"""What it means for a person that the Hub did not take a push, in one sentence. Asks nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from emotion.errors import HubError
from emotion.export.sending import RateLimitedError
from emotion.hub import first_line
from emotion.words import duration

TOKENS = "in the Hub's settings, under Access Tokens"
CARD_REFUSED = "Invalid metadata in README.md."


def unknown_token(endpoint: str) -> HubError:
    """Return the refusal of a token that is none."""
    return HubError(f"The Hub at {endpoint} does not know this token: copy it once more, or make a new one {TOKENS}.")


def read_only(repository: str) -> HubError:
    """Return the refusal of a token that may not write."""
    return HubError(
        f"This token may read but not write to {repository}: make one with write permission {TOKENS}, and push again."
    )


def refusal(error: BaseException, *, repository: str, user: str, endpoint: str) -> HubError:
    """Return the sentence for what the Hub's client raised; ``user`` is whose the token is, empty if nobody knows."""
    if str(error).startswith(CARD_REFUSED):
        return _of_content(str(error).removeprefix(CARD_REFUSED), "the model card")
    met = list(_chain(error))
    for each in met:
        if isinstance(each, RateLimitedError):
            when = f"in {duration(each.seconds)}" if each.seconds else "later"
            return HubError(f"The Hub takes no more requests for now, its rate limit is reached: push again {when}.")
        if isinstance(each, OfflineModeIsEnabled):
            return HubError("HF_HUB_OFFLINE is set, so that nothing goes out: unset it, and push again.")
        if isinstance(each, HfHubHTTPError):
            return _of_status(each, repository, user, endpoint)
    if any(isinstance(each, httpx2.HTTPError | json.JSONDecodeError | TimeoutError) for each in met):
        unreadable = any(isinstance(each, json.JSONDecodeError) for each in met)
        return _of_connection("its answer is none" if unreadable else first_line(met[-1]), user, endpoint)
    if isinstance(error, OSError) and error.strerror:
        return HubError(f"The checkpoint cannot be read ({error.strerror}): choose another run.")
    return _of_content(str(error).replace("LFS batch API returned errors:", ""), f"what is pushed to {repository}")


def _of_content(said: str, what: str) -> HubError:
    reason = first_line(ValueError(said.strip().removeprefix("- ")))
    return HubError(f"The Hub does not take {what} ({reason}): pack the model instead, and put it there by hand.")


def _of_status(error: HfHubHTTPError, repository: str, user: str, endpoint: str) -> HubError:
    status, said = error.response.status_code, first_line(ValueError(error.server_message or str(error)))
    namespace = repository.partition("/")[0]
    if status == 401:
        return unknown_token(endpoint)
    if status == 403 and namespace.lower() == user.lower():
        return HubError(
            f"The Hub does not let this token write to {repository} ({said}): make one with write permission {TOKENS}."
        )
    if status == 403:
        return HubError(
            f"{namespace} is not {user}, whose token this is ({said}): push to {user}/{repository.partition('/')[2]}, "
            f"or take a token that may write there."
        )
    if status == 402:
        return HubError(f"The Hub wants to be paid for this ({said}): make room there, or push as a public repository.")
    if status == 404:
        return HubError(f"{repository} went away while it was pushed to: push again.")
    if status == 409:
        return HubError(f"{repository} was changed at the same moment ({said}): push again.")
    if status == 413:
        return HubError(f"The model is too large for the Hub ({said}): pack it instead, or train a smaller backbone.")
    if status >= 500:
        return HubError(f"The Hub at {endpoint} has trouble of its own ({status}): push again later.")
    return HubError(f"The Hub does not take {repository} ({said}): choose another name, or look at its page.")


def _of_connection(said: str, user: str, endpoint: str) -> HubError:
    if not user:
        return HubError(f"The Hub at {endpoint} cannot be reached ({said}): connect to the network and push again.")
    return HubError(
        f"The connection to the Hub at {endpoint} broke off ({said}): the model is there whole or not at all, so push "
        "it again."
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
