"""The SQL of `postgres setup`, `status` and `remove`. {names} are quoted, {literals} escaped."""

from __future__ import annotations

# Setting up ------------------------------------------------------------------------------------------------------------

CREATE_EXTENSION = "create extension if not exists {extension}"
UPDATE_EXTENSION = "alter extension jrerank update"

# The wrapper `jrerank` knows the option url, but only a superuser or the extension makes one; dblink_fdw is there without
CREATE_SERVER = "create server jrerank foreign data wrapper {wrapper} options ({options})"
ALTER_SERVER = "alter server jrerank options ({options})"
FIND_SERVER = """
select w.fdwname, coalesce((select jsonb_object_agg(option_name, option_value) from pg_options_to_table(s.srvoptions)), '{}')
from pg_foreign_server s join pg_foreign_data_wrapper w on w.oid = s.srvfdw where s.srvname = 'jrerank'
"""
DROP_SERVER = "drop server if exists jrerank cascade"
GRANT_SERVER = "grant usage on foreign server jrerank to {owner}"

# The role that the functions ask as: the mapping with the key is its own, and it cannot log in
DROP_MAPPING = "drop user mapping if exists for {owner} server jrerank"
CREATE_MAPPING = "create user mapping for {owner} server jrerank options (user 'jrerank'{password})"
WITH_KEY = ", password {key}"

GRANT_USER = "grant jrerank_user to {role}"

# By the database's number, which is never another's on this server, so that two databases don't share a password
LOOPBACK_ROLE = "'jrerank_loopback_' || (select oid from pg_database where datname = current_database())"
LOOPBACK = f"""
do $loopback$
declare
  role text := {LOOPBACK_ROLE};
begin
  if to_regrole(role) is null then
    execute format('create role %I', role);
  end if;
  execute format('alter role %I login connection limit 10 password %L', role, {{password}});
  execute format('grant connect on database %I to %I', current_database(), role);
  execute format('grant usage on schema jrerank to %I', role);
  execute format('grant execute on function jrerank._dblink_answers_within(text, int) to %I', role);
  drop server if exists jrerank_loopback cascade;
  execute format('create server jrerank_loopback foreign data wrapper {{wrapper}} options (host %L, port %L, dbname %L)',
    '127.0.0.1', current_setting('port'), current_database());
  grant usage on foreign server jrerank_loopback to {{owner}};
  execute format('create user mapping for {{owner}} server jrerank_loopback options (user %L, password %L)', role, {{password}});
end
$loopback$
"""
FIND_LOOPBACK = "select from pg_foreign_server where srvname = 'jrerank_loopback'"
LOOPBACK_OBSTACLE = f"select jrerank._dblink_loopback_obstacle(), {LOOPBACK_ROLE}, current_database()"
DROP_LOOPBACK = f"""
do $loopback$
declare
  role text := {LOOPBACK_ROLE};
begin
  drop server if exists jrerank_loopback cascade;
  if to_regrole(role) is not null then
    -- One by one: to drop what a role owns takes more than having made it
    execute format('revoke connect on database %I from %I', current_database(), role);
    if to_regprocedure('jrerank._dblink_answers_within(text, int)') is not null then
      execute format('revoke execute on function jrerank._dblink_answers_within(text, int) from %I', role);
      execute format('revoke usage on schema jrerank from %I', role);
    end if;
    execute format('drop role %I', role);
  end if;
end
$loopback$
"""

# Everybody may use an extension's functions: to look at the session's connections, and to send what they like
CLOSE_EXTENSION = """
do $close$
declare
  function regprocedure;
begin
  for function in
    select p.oid from pg_proc p
    join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    join pg_extension e on d.refclassid = 'pg_extension'::regclass and e.oid = d.refobjid
    where e.extname = {extension}
  loop
    execute format('revoke execute on function %s from public', function);
    execute format('grant execute on function %s to %I', function, {owner});
    -- To revoke what another role has granted is a warning and no more
    if has_function_privilege('public', function, 'execute') then
      raise insufficient_privilege using message = format(
        'the functions of %s belong to %I: run setup as that role, or leave out --close-transport',
        {extension}, (select proowner::regrole::text from pg_proc where oid = function));
    end if;
  end loop;
end
$close$
"""

# As it is for this role or database, and jrerank
SEARCH_PATH = """
do $path$
declare
  path text := coalesce(
    (select substr(setting, strpos(setting, '=') + 1) from pg_db_role_setting s, unnest(s.setconfig) setting
     where s.setdatabase = (select oid from pg_database where datname = current_database())
       and s.setrole = coalesce((select oid from pg_roles where rolname = {role}), 0) and setting like 'search_path=%'),
    '"$user", public');
begin
  if path !~ '\\mjrerank\\M' then
    execute format('alter %s set search_path = %s, jrerank',
      case when {role} is null then format('database %I', current_database())
           else format('role %I in database %I', {role}, current_database()) end, path);
  end if;
end
$path$
"""

# What would write a statement, and the key with it, into the server's log or statistics
QUIET = (
    "set local log_statement = 'none'",
    "set local log_min_duration_statement = -1",
    "set local log_min_duration_sample = -1",
    "set local pg_stat_statements.track_utility = off",
)
LOGS_STATEMENTS = """
select current_setting('log_statement') <> 'none' or current_setting('log_min_duration_statement') = '0'
"""

# Looking at it -----------------------------------------------------------------------------------------------------------

MEMBERS = """
select coalesce(string_agg(m.rolname, ', ' order by m.rolname), 'nobody yet')
from pg_auth_members a join pg_roles m on m.oid = a.member join pg_roles r on r.oid = a.roleid
where r.rolname = 'jrerank_user'
"""
PROBE = "select index, score from jrerank.rerank(%(query)s, %(documents)s::text[], timeout_ms => %(timeout_ms)s::int)"
PROBE_STATUS = "select outcome, reason, detail, transport, model, elapsed_ms from jrerank.rerank_status()"

# Taking it away ------------------------------------------------------------------------------------------------------------

DEPENDENTS = """
select string_agg(distinct r.ev_class::regclass::text, ', ')
from pg_depend d join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
join pg_proc p on d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid
where p.pronamespace = to_regnamespace('jrerank')
"""
DROP_EXTENSION = "drop extension jrerank"
DROP_WRAPPER = "drop foreign data wrapper if exists jrerank"
DROP_SCHEMA = "drop schema jrerank cascade"
DROP_ROLES = (
    "drop owned by jrerank_owner",
    "drop role jrerank_owner",
    "drop owned by jrerank_user",
    "drop role jrerank_user",
)
