"""How long things are kept: what each clock does when it strikes, table by table, and the register of it."""
