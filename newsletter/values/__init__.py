"""Frozen values that travel between the rooms. No behaviour beyond what their fields imply."""

from newsletter.values.articles import (
    ArticleDraft,
    Candidate,
    CarriedBy,
    Choice,
    Picture,
    Placement,
    Ran,
    Refusal,
    Touch,
    Verdict,
)
from newsletter.values.deliveries import (
    BatchKey,
    Fate,
    Outcome,
    Phase,
    Recipient,
    Settled,
    Sums,
)
from newsletter.values.editions import (
    Body,
    EditionView,
    Letterhead,
    Rendition,
    Section,
    SocialLink,
    Story,
)
from newsletter.values.flows import Flow
from newsletter.values.letters import LetterHead, LetterInHand, LetterView, PrintedLetter

__all__ = [
    "ArticleDraft",
    "BatchKey",
    "Body",
    "Candidate",
    "CarriedBy",
    "Choice",
    "EditionView",
    "Fate",
    "Flow",
    "LetterHead",
    "LetterInHand",
    "LetterView",
    "Letterhead",
    "Outcome",
    "Phase",
    "Picture",
    "Placement",
    "PrintedLetter",
    "Ran",
    "Recipient",
    "Refusal",
    "Rendition",
    "Section",
    "Settled",
    "SocialLink",
    "Story",
    "Sums",
    "Touch",
    "Verdict",
]
