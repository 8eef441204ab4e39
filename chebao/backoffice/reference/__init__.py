"""A working insurer core: customers, quotes, applications, policies, claims and small services on PostgreSQL.

An insurer replaces it by an adapter for its own core; the contract is the OpenAPI document at ``/backoffice/v1/openapi.json``.
"""

from chebao.backoffice.reference.app import create_app, create_backoffice

__all__ = ["create_app", "create_backoffice"]
