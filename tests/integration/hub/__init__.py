"""The hub as a whole. A package, so that its one town ends with the folder's last test (see conftest)."""
