"""The whole thing on sample news: a town paper, 25 readers, and a mail server that keeps what it gets."""
