"""Every method beside the literal double loops of its definition, and beside independent packages."""
