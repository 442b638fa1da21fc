"""The server of `make web`: Voilà's, with a guard at its websockets and a place for each visitor.

`server.PageServer` is what packaging/web.py runs. The other modules are its parts: `frames` and
`sockets` decide which messages pass between a browser and its kernel, `identity` has the cookies,
`house` and `ready` know the visitors and the pages that wait for one.
"""
