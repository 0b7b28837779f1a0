"""Facts of the town that only some systems speak of, one module per topic.

Each is a pure function of the world as it is at the end of ``world.today``, history included, drawn from
``simulator.world.hashing``: nothing is stored, and a fact of one day is the same seen from any later day.
"""
