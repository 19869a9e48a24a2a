"""An identity provider for one machine: OpenID Connect discovery, JWKS, signed access tokens.

It stands for the agency's real provider, so it is a process of its own and knows nothing of the
platform: it signs who somebody is, which roles and which regions they hold. Accounts are invented
and come from a file. It listens on loopback unless told otherwise, and must never serve anybody
real.

`python -m deploy.local.identity --port P --directory D --users FILE`
"""
