"""Pictures for people: self-contained pages drawn from what is published, one asset each.

A page is made from one statement as one app, under that app's purpose and in the audit chain like any other query, so
that it shows one release and never a mixture. It has no script and no address of elsewhere: it opens from a folder, on
a machine without a network. What is not known is drawn grey and called unknown.
"""
