"""Deployment: containers, Kubernetes, the demo, and the whole stack on one machine."""
