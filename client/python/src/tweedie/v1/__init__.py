"""The messages and the service of tweedie.v1, generated from proto/ when the package is built."""
