"""The PostgreSQL wire protocol: what dblink, psql and psycopg speak, carrying JSON instead of SQL."""
