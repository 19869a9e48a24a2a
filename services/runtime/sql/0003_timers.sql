-- A timer is held by its row lock: nobody leases it.
alter table timers drop column lease_until, drop column lease;
