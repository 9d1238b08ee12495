"""Sign-up: subscribers from a CSV file get a mail, a certificate, and their partner a webhook.

`signup.py` is the domain code and knows an `Enqueuer` alone; `jobs.py` says what is to be done,
`handlers.py` does it, and `app.py` puts them together for production. The rest is the demo:
`python -m examples.signup` runs all of it against a mail server and a web server on the loopback.
"""
