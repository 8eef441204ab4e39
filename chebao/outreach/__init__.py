"""Outreach: what we say first. Back-office events become messages in the conversation they belong to."""
