"""The standards that columns of upstream systems obey, one module per standard.

Every function works on whole columns (polars Series of strings unless its docstring says otherwise),
returns a Series of the same length, keeps nulls null and never raises because of a bad value.

- ``resident_id``        citizen identity number, GB 11643-1999
- ``credit_code``        unified social credit code, GB 32100-2015
- ``organisation_code``  organisation code, GB 11714-1997
- ``legacy_tax``         15-, 17- and 20-character tax numbers from before the credit code
- ``division``           dated table of administrative divisions, GB/T 2260
- ``codes``              sex GB/T 2261.1, ethnic group GB/T 3304, family relation GB/T 4761
- ``disability``         number of the disability certificate
- ``bank_account``       numbers of bank accounts and cards
- ``property_unit``      code of the unit of real estate, GB/T 37346-2019
- ``device_id``          device codes of video networks, GB/T 28181 annex D
- ``phone``              mobile and landline numbers
- ``plate``              number plates, GA 36
- ``weather_warning``    ids of public warnings, 31 characters
- ``coordinates``        WGS-84, GCJ-02, BD-09 (numpy arrays)
- ``person_name``        names of residents and their pinyin
- ``pinyin``             how single characters are read (strings)
- ``text``               width, control characters, Chinese numerals and dates
- ``address``            one canonical key per door; parsing and composing
- ``address_register``   free text → the door of the town's own address register
- ``amount``             sums of money, exact
- ``pseudonym``          keyed pseudonyms, HMAC-SM3 (GB/T 32905)
"""
