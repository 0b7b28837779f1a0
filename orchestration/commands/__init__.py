"""The `townhub` command's subcommands, one module per topic; heavy imports only inside the commands."""
