"""Workers of the regions and where they serve.

owns: workers, deployments
consumes: regional.<region>.workforce.v1
publishes: workforce.deployment.started
"""
