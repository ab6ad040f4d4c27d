"""Work on what strangers wrote, in processes of their own: with limits on time and memory and without our secrets.

A few hundred kilobytes made for it keep a parser busy for minutes; nothing stops a thread, a process can be. A child
loads what it needs once and forks for each document, so that none meets what another has left.
"""
