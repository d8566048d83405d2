"""What commands run for as long as they last: a server, Gunicorn, other programs."""
