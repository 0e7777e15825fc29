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
from newsletter.values.checks import Check, Finding, Look, Severity, Waiver
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
    Span,
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
    "Check",
    "Choice",
    "EditionView",
    "Fate",
    "Finding",
    "Flow",
    "LetterHead",
    "LetterInHand",
    "LetterView",
    "Letterhead",
    "Look",
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
    "Severity",
    "SocialLink",
    "Span",
    "Story",
    "Sums",
    "Touch",
    "Verdict",
    "Waiver",
]
