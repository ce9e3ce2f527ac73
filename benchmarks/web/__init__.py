"""What a request costs more under each web integration and its peers.

The floor is the smallest hand-written middleware of each framework: it reads a header, makes an
ID, sets a context variable and adds a response header. The peers are set up as their documentation
says.
"""
