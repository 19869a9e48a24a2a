"""Where messages end on one machine: an SMS provider and a mail server that keep what they get.

Each is a process of its own with a box on disk, so that what arrived can be counted after any
crash, and each misbehaves on purpose for certain recipients, as real providers do.

`python -m deploy.local.sinks sms --port P --directory D`
`python -m deploy.local.sinks smtp --port P --directory D [--http-port H]`
"""
