"""What `townhub up` runs: the hub with its UI, daemon and webhook receiver, for as long as the command lives."""

from __future__ import annotations

import socket

from orchestration import demo, environment, failures, hub, output, picture_service, receiving, recovery, supervisor


def serve(port: int, *, simulated: tuple[float, int] | None) -> None:
    """Bring everything up and watch it until a signal. Raises SupervisorError with its remedy."""
    if supervisor.running():
        raise supervisor.SupervisorError("this hub is up already; stop it with `townhub down`")
    _refuse_taken(port)
    if simulated is None:
        hub.prepare()
    else:
        demo.bring_up(*simulated)
    with hub.instance() as instance, receiving.listening():

        def look() -> None:
            try:
                recovery.recover(instance)
            except Exception as error:
                # The database may be restarting; the next look tries again, and the children say what they miss.
                output.say(f"townhub: dead runs could not be looked for: {failures.safe_message(error)}")

        output.say(
            f"Dagster UI: http://{supervisor.HOST}:{port} (ready in some seconds); logs in {environment.log_folder()}"
        )
        pictures = picture_service.child(port)
        output.say(f"pictures: http://{supervisor.HOST}:{pictures.command[-1]} (also files: townhub pictures)")
        output.say("Ctrl-C stops it; PostgreSQL keeps running until `townhub down`")
        supervisor.Supervisor([*supervisor.dagster_children(port), pictures], look).run()


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((supervisor.HOST, port))
        except OSError:
            raise supervisor.SupervisorError(f"port {port} is taken; choose another with --port") from None
