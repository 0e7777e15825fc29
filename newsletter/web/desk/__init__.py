"""The desk: editors see, shape and approve; ops watch and act. One file per page."""
