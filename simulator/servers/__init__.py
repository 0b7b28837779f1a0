"""The upstream systems' servers: each speaks its real protocol over a loopback socket and can be made to fail."""
