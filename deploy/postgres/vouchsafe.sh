#!/bin/sh
# Makes the key ring's database and its one user, when PostgreSQL starts for the first time.
set -eu
# psql reads the password itself: on its command line others could see it.
psql --set ON_ERROR_STOP=1 --username postgres <<'SQL'
\set password `cat /run/postgres/postgres-vouchsafe`
CREATE ROLE vouchsafe LOGIN PASSWORD :'password' CONNECTION LIMIT 60;
CREATE DATABASE vouchsafe OWNER vouchsafe;
REVOKE ALL ON DATABASE vouchsafe FROM PUBLIC;
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
-- So that a destroyed key leaves the write-ahead log at once.
GRANT pg_checkpoint TO vouchsafe;
\connect vouchsafe
GRANT EXECUTE ON FUNCTION pg_switch_wal() TO vouchsafe;
SQL
