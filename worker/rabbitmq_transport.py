"""kombu's transport for RabbitMQ, which waits for no answer for ever.

Owns what is different there. It must not know the engine, nor any task.
"""

# kombu is typed in part only.
# mypy: disable-error-code="no-untyped-call"

from typing import Any

from kombu.transport import pyamqp

from worker.servers import ANSWER_TIMEOUT


class RabbitTransport(pyamqp.Transport):
    """kombu's transport on sockets with a timeout.

    AMQP's library waits without end for what a server has to answer, the end of a connection
    included. An event loop, which reads only what is there, is not concerned.
    """

    def establish_connection(self) -> Any:
        """Connect; raises what the AMQP library raises."""
        connection = super().establish_connection()
        connection.transport.sock.settimeout(ANSWER_TIMEOUT)
        return connection
