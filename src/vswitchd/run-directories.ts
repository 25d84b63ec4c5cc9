/** Where a daemon's files lie: as Open vSwitch was built, or as environment variables say. */

export interface RunDirectories {
  /** sockets and pidfiles */
  readonly run: string;
  readonly log: string;
  readonly database: string;
  readonly configuration: string;
}

/** OVS_RUNDIR, OVS_LOGDIR, OVS_DBDIR and OVS_SYSCONFDIR, or Debian's defaults. The database is below the configuration. */
export function findRunDirectories(environment: Readonly<Record<string, string | undefined>>): RunDirectories {
  const configuration = environment.OVS_SYSCONFDIR || '/etc';
  return {
    run: environment.OVS_RUNDIR || '/var/run/openvswitch',
    log: environment.OVS_LOGDIR || '/var/log/openvswitch',
    database: environment.OVS_DBDIR || `${configuration}/openvswitch`,
    configuration,
  };
}
