"""The sections of the scoreboard: one module each, all on the same stage."""
