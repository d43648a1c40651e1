"""The yardstick: Twisted's own TCP port-forwarder, as it ships, in a process of its own.

python -m bench.forwarder READY_FILE UPSTREAM_PORT
"""

import sys

from twisted.protocols.portforward import ProxyFactory

from bench.listening import listen

if __name__ == "__main__":
    listen(ProxyFactory("127.0.0.1", int(sys.argv[2])), sys.argv[1])
