/**
 * The schema of the `Open_vSwitch` database, written down from ovs-vswitchd.conf.db(5): the tables and columns that it documents, with
 * their types, limits and references. Tools such as ovs-vsctl ask the server for the schema and work with what it says, so
 * names and types must be those that the manual page gives.
 *
 * Columns that only report what is going on (statistics, states) are ephemeral: they are not kept on disk.
 */
import type { JsonObject, JsonValue } from './json.ts';
import { type DatabaseSchema, parseSchema } from './schema.ts';

/** The version of the documented schema that this is. */
const VERSION = '8.3.1';

const MAX_UINT32 = 4_294_967_295;

type Base = string | JsonObject;

/** The schema, parsed. */
export function vswitchSchema(): DatabaseSchema {
  return parseSchema({ name: 'Open_vSwitch', version: VERSION, tables: TABLES });
}

function column(type: JsonValue): JsonObject {
  return { type };
}

function one(base: Base): JsonObject {
  return column(typeof base === 'string' ? base : { key: base });
}

function optional(base: Base): JsonObject {
  return column({ key: base, min: 0, max: 1 });
}

function set(base: Base, max: number | 'unlimited' = 'unlimited'): JsonObject {
  return column({ key: base, min: 0, max });
}

function oneOrMore(base: Base): JsonObject {
  return column({ key: base, min: 1, max: 'unlimited' });
}

function map(key: Base, value: Base): JsonObject {
  return column({ key, value, min: 0, max: 'unlimited' });
}

function ephemeral(of: JsonObject): JsonObject {
  return { ...of, ephemeral: true };
}

function immutable(of: JsonObject): JsonObject {
  return { ...of, mutable: false };
}

function integer(min: number, max?: number): JsonObject {
  return { type: 'integer', minInteger: min, ...(max === undefined ? {} : { maxInteger: max }) };
}

function word(...words: string[]): JsonObject {
  return { type: 'string', enum: ['set', words] };
}

function reference(table: string): JsonObject {
  return { type: 'uuid', refTable: table };
}

function weakReference(table: string): JsonObject {
  return { type: 'uuid', refTable: table, refType: 'weak' };
}

const STRINGS = map('string', 'string');
const REPORTED_STRINGS = ephemeral(STRINGS);
const COUNTERS = ephemeral(map('string', 'integer'));
const VLAN = integer(0, 4095);
const UINT32 = integer(0, MAX_UINT32);
const UP_OR_DOWN = word('up', 'down');

const CONNECTION_COLUMNS: JsonObject = {
  target: one('string'),
  max_backoff: optional(integer(1000)),
  inactivity_probe: optional('integer'),
  connection_mode: optional(word('in-band', 'out-of-band')),
  is_connected: ephemeral(one('boolean')),
  status: REPORTED_STRINGS,
  other_config: STRINGS,
  external_ids: STRINGS,
};

const TABLES: JsonObject = {
  Open_vSwitch: {
    isRoot: true,
    maxRows: 1,
    columns: {
      datapaths: map('string', reference('Datapath')),
      bridges: set(reference('Bridge')),
      manager_options: set(reference('Manager')),
      ssl: optional(reference('SSL')),
      next_cfg: one('integer'),
      cur_cfg: one('integer'),
      dpdk_initialized: one('boolean'),
      dpdk_version: optional('string'),
      statistics: REPORTED_STRINGS,
      ovs_version: optional('string'),
      db_version: optional('string'),
      system_type: optional('string'),
      system_version: optional('string'),
      datapath_types: set('string'),
      iface_types: set('string'),
      other_config: STRINGS,
      external_ids: STRINGS,
    },
  },
  Bridge: {
    indexes: [['name']],
    columns: {
      name: immutable(one('string')),
      ports: set(reference('Port')),
      mirrors: set(reference('Mirror')),
      netflow: optional(reference('NetFlow')),
      sflow: optional(reference('sFlow')),
      ipfix: optional(reference('IPFIX')),
      auto_attach: optional(reference('AutoAttach')),
      controller: set(reference('Controller')),
      flow_tables: map(integer(0, 254), reference('Flow_Table')),
      flood_vlans: set(VLAN, 4096),
      fail_mode: optional(word('standalone', 'secure')),
      protocols: set(word('OpenFlow10', 'OpenFlow11', 'OpenFlow12', 'OpenFlow13', 'OpenFlow14', 'OpenFlow15')),
      datapath_type: one('string'),
      datapath_id: ephemeral(optional('string')),
      datapath_version: one('string'),
      stp_enable: one('boolean'),
      rstp_enable: one('boolean'),
      mcast_snooping_enable: one('boolean'),
      status: REPORTED_STRINGS,
      rstp_status: REPORTED_STRINGS,
      other_config: STRINGS,
      external_ids: STRINGS,
    },
  },
  Port: {
    indexes: [['name']],
    columns: {
      name: immutable(one('string')),
      interfaces: oneOrMore(reference('Interface')),
      vlan_mode: optional(word('trunk', 'access', 'native-tagged', 'native-untagged', 'dot1q-tunnel')),
      tag: optional(VLAN),
      trunks: set(VLAN, 4096),
      cvlans: set(VLAN, 4096),
      bond_mode: optional(word('balance-tcp', 'balance-slb', 'active-backup')),
      bond_updelay: one('integer'),
      bond_downdelay: one('integer'),
      bond_fake_iface: one('boolean'),
      bond_active_slave: optional('string'),
      lacp: optional(word('active', 'passive', 'off')),
      qos: optional(reference('QoS')),
      mac: optional('string'),
      fake_bridge: one('boolean'),
      protected: one('boolean'),
      status: REPORTED_STRINGS,
      rstp_status: REPORTED_STRINGS,
      rstp_statistics: COUNTERS,
      statistics: COUNTERS,
      other_config: STRINGS,
      external_ids: STRINGS,
    },
  },
  Interface: {
    indexes: [['name']],
    columns: {
      name: immutable(one('string')),
      type: one('string'),
      options: STRINGS,
      ofport: optional('integer'),
      ofport_request: optional(integer(1, 65279)),
      error: optional('string'),
      mac: optional('string'),
      mac_in_use: ephemeral(optional('string')),
      ifindex: ephemeral(optional(UINT32)),
      mtu: ephemeral(optional('integer')),
      mtu_request: optional(integer(1)),
      admin_state: ephemeral(optional(UP_OR_DOWN)),
      link_state: ephemeral(optional(UP_OR_DOWN)),
      link_resets: ephemeral(optional('integer')),
      link_speed: ephemeral(optional('integer')),
      duplex: ephemeral(optional(word('half', 'full'))),
      lacp_current: ephemeral(optional('boolean')),
      status: REPORTED_STRINGS,
      statistics: COUNTERS,
      ingress_policing_rate: one(integer(0)),
      ingress_policing_burst: one(integer(0)),
      ingress_policing_kpkts_rate: one(integer(0)),
      ingress_policing_kpkts_burst: one(integer(0)),
      bfd: STRINGS,
      bfd_status: REPORTED_STRINGS,
      cfm_mpid: optional('integer'),
      cfm_flap_count: optional('integer'),
      cfm_fault: ephemeral(optional('boolean')),
      cfm_fault_status: ephemeral(set('string')),
      cfm_remote_opstate: ephemeral(optional(UP_OR_DOWN)),
      cfm_health: ephemeral(optional(integer(0, 100))),
      cfm_remote_mpids: ephemeral(set('integer')),
      lldp: STRINGS,
      other_config: STRINGS,
      external_ids: STRINGS,
    },
  },
  Flow_Table: {
    columns: {
      name: optional('string'),
      flow_limit: optional(integer(0)),
      overflow_policy: optional(word('refuse', 'evict')),
      groups: set('string'),
      prefixes: set('string', 3),
      external_ids: STRINGS,
    },
  },
  QoS: {
    isRoot: true,
    columns: {
      type: one('string'),
      queues: map(UINT32, reference('Queue')),
      other_config: STRINGS,
      external_ids: STRINGS,
    },
  },
  Queue: {
    isRoot: true,
    columns: {
      dscp: optional(integer(0, 63)),
      other_config: STRINGS,
      external_ids: STRINGS,
    },
  },
  Mirror: {
    columns: {
      name: one('string'),
      select_all: one('boolean'),
      select_src_port: set(weakReference('Port')),
      select_dst_port: set(weakReference('Port')),
      select_vlan: set(VLAN, 4096),
      output_port: optional(weakReference('Port')),
      output_vlan: optional(integer(1, 4095)),
      snaplen: optional(integer(14, 65535)),
      statistics: COUNTERS,
      external_ids: STRINGS,
    },
  },
  Controller: {
    columns: {
      ...CONNECTION_COLUMNS,
      type: optional(word('primary', 'service')),
      role: ephemeral(optional(word('other', 'master', 'slave'))),
      local_ip: optional('string'),
      local_netmask: optional('string'),
      local_gateway: optional('string'),
      enable_async_messages: optional('boolean'),
      controller_queue_size: optional(integer(1, 512)),
      controller_rate_limit: optional(integer(100)),
      controller_burst_limit: optional(integer(25)),
    },
  },
  Manager: {
    indexes: [['target']],
    columns: CONNECTION_COLUMNS,
  },
  NetFlow: {
    columns: {
      targets: oneOrMore('string'),
      engine_type: optional(integer(0, 255)),
      engine_id: optional(integer(0, 255)),
      add_id_to_interface: one('boolean'),
      active_timeout: one(integer(-1)),
      external_ids: STRINGS,
    },
  },
  sFlow: {
    columns: {
      targets: oneOrMore('string'),
      agent: optional('string'),
      header: optional('integer'),
      polling: optional('integer'),
      sampling: optional('integer'),
      external_ids: STRINGS,
    },
  },
  IPFIX: {
    columns: {
      targets: set('string'),
      sampling: optional(integer(1, MAX_UINT32)),
      obs_domain_id: optional(UINT32),
      obs_point_id: optional(UINT32),
      cache_active_timeout: optional(integer(0, 4200)),
      cache_max_flows: optional(UINT32),
      other_config: STRINGS,
      external_ids: STRINGS,
    },
  },
  Flow_Sample_Collector_Set: {
    isRoot: true,
    indexes: [['id', 'bridge']],
    columns: {
      id: one(UINT32),
      bridge: one(reference('Bridge')),
      ipfix: optional(reference('IPFIX')),
      external_ids: STRINGS,
    },
  },
  Datapath: {
    columns: {
      datapath_version: one('string'),
      ct_zones: map(integer(0, 65535), reference('CT_Zone')),
      capabilities: STRINGS,
      external_ids: STRINGS,
    },
  },
  CT_Zone: {
    columns: {
      timeout_policy: optional(reference('CT_Timeout_Policy')),
      external_ids: STRINGS,
    },
  },
  CT_Timeout_Policy: {
    columns: {
      timeouts: map(
        word(
          'tcp_syn_sent',
          'tcp_syn_recv',
          'tcp_established',
          'tcp_fin_wait',
          'tcp_close_wait',
          'tcp_last_ack',
          'tcp_time_wait',
          'tcp_close',
          'tcp_syn_sent2',
          'tcp_retransmit',
          'tcp_unack',
          'udp_first',
          'udp_single',
          'udp_multiple',
          'icmp_first',
          'icmp_reply',
        ),
        UINT32,
      ),
      external_ids: STRINGS,
    },
  },
  SSL: {
    maxRows: 1,
    columns: {
      private_key: one('string'),
      certificate: one('string'),
      ca_cert: one('string'),
      bootstrap_ca_cert: one('boolean'),
      external_ids: STRINGS,
    },
  },
  AutoAttach: {
    columns: {
      system_name: one('string'),
      system_description: one('string'),
      mappings: map(integer(0, 16_777_215), VLAN),
    },
  },
};
