"""The engine: take a batch, fill, send, settle. It knows the ledger and the wire, and no editorial rule."""
