"""Conversations: the ledger of what customers wrote, who owns a conversation, one turn at a time, the outbox.

Other packages use the names of `chebao.conversations.api` only.
"""
