"""The pages of the portal, for King users and their customers.

frame      who is looking, what a page may do, how it is drawn
entrance   log in and out, forgotten password, registration
start      counters, news, handbook          invoices   the list, one invoice, its documents
upload     documents by hand                 customers  whom invoices go to
profile    name, logo, password, language    mails      what was written to people
all        each address and its page
"""
