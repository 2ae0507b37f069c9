"""What each command does: one module a command, called by `cli` with plain values.

Rules. A command returns its exit status (`journal.wording.ExitStatus`) and raises BridgeError for what a person
has to be told. What a person reads goes through `commands.console`, in the installation's language, one line a
thing; results on stdout, everything else on stderr. Deliberately not here: how arguments are spelled (`cli`),
and any rule about marks, consents or sending (the rooms below).
"""
