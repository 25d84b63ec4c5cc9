/**
 * Random pipelines and random traffic over small sets of values, so that rules and packets meet often: for tests of laws that
 * hold for all of them.
 */
import { composeFrame, type FrameSpec } from '../../src/wire/index.ts';
import { createRandom } from './random.ts';

export const PORTS = 4;

const ETHERNET = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03', 'ff:ff:ff:ff:ff:ff'];
const IPV4 = ['10.0.0.1', '10.0.0.2', '10.0.1.1', '10.1.2.3', '192.168.0.1'];
const IPV4_PREFIXES = [
  '10.0.0.1',
  '10.0.0.0/24',
  '10.0.0.0/8',
  '10.0.1.0/30',
  '192.168.0.0/16',
  '10.0.0.1/255.0.255.255',
];
const IPV6 = ['2001:db8::1', '2001:db8::2', '2001:db8:1::1'];
const IPV6_PREFIXES = ['2001:db8::1', '2001:db8::/64', '2001:db8::/32'];
const TRANSPORT_PORTS = [22, 80, 81, 443, 8080];
const PORT_MASKS = ['80', '443', '0x50/0xfffe', '0x0/0xff00', '8080'];

export class RandomPipeline {
  readonly #random: () => number;

  readonly #isStateless: boolean;
  readonly #isComparable: boolean;

  /**
   * `isStateless`: no action learns anything, so a packet's way does not depend on earlier ones. `isComparable`: nor does
   * it depend on what each switch may choose, as hash functions and the order of floods.
   */
  constructor(seed: number, isStateless = false, isComparable = false) {
    this.#random = createRandom(seed | 1);
    this.#isStateless = isStateless;
    this.#isComparable = isComparable;
  }

  /** An integer 0..limit-1. */
  integer(limit: number): number {
    return this.#random() % limit;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.integer(values.length)]!;
  }

  chance(percent: number): boolean {
    return this.integer(100) < percent;
  }

  /** Groups 1..3, one a line. */
  groups(): string[] {
    return [
      `group_id=1,type=all,bucket=set_field:10.9.9.9->ip_dst,output:${this.#port()},bucket=output:${this.#port()}`,
      `group_id=2,type=select,bucket=weight:1,output:${this.#port()},bucket=weight:2,output:${this.#port()}`,
      `group_id=3,type=ff,bucket=watch_port:${this.#port()},output:${this.#port()},bucket=watch_port:1,output:1`,
    ];
  }

  /** A flow for table 0..3 as `ovs-ofctl` takes it. */
  flow(): string {
    const table = this.integer(4);
    return `table=${table},priority=${this.integer(20)},${this.match()}actions=${this.#actions(table)}`;
  }

  /** Terms of a match, each followed by a comma. */
  match(): string {
    const terms: string[] = [];
    if (this.chance(30)) {
      terms.push(`in_port=${this.#port()}`);
    }
    if (this.chance(20)) {
      terms.push(`dl_dst=${this.pick(ETHERNET)}`);
    }
    if (this.chance(15)) {
      terms.push(`dl_src=${this.pick(ETHERNET)}`);
    }
    if (this.chance(20)) {
      terms.push(
        this.pick([
          'dl_vlan=10',
          'dl_vlan=20',
          'vlan_tci=0x0000/0x1fff',
          'dl_vlan=10,dl_vlan_pcp=3',
          'vlan_tci=0x1000/0x1000',
        ]),
      );
    }
    if (this.chance(15)) {
      terms.push(`reg0=${this.integer(3)}`);
    }
    if (this.chance(60)) {
      terms.push(...this.#network());
    }
    return terms.map((term) => `${term},`).join('');
  }

  #network(): string[] {
    switch (this.integer(6)) {
      case 0:
        return this.chance(50) ? ['arp'] : ['arp', `arp_tpa=${this.pick(IPV4_PREFIXES)}`];
      case 1:
        return ['ipv6', ...(this.chance(70) ? [`ipv6_dst=${this.pick(IPV6_PREFIXES)}`] : [])];
      case 2:
        return ['icmp', ...(this.chance(50) ? [`icmp_type=${this.pick([0, 8])}`] : [])];
      default: {
        const protocol = this.pick(['tcp', 'udp', 'ip']);
        const terms = [protocol];
        if (this.chance(50)) {
          terms.push(`nw_dst=${this.pick(IPV4_PREFIXES)}`);
        }
        if (this.chance(30)) {
          terms.push(`nw_src=${this.pick(IPV4_PREFIXES)}`);
        }
        if (protocol !== 'ip' && this.chance(50)) {
          terms.push(`tp_dst=${this.pick(PORT_MASKS)}`);
        }
        if (protocol === 'tcp' && this.chance(15)) {
          terms.push(this.pick(['tcp_flags=+syn-ack', 'tcp_flags=+rst']));
        }
        if (this.chance(10)) {
          terms.push(this.pick(['nw_frag=no', 'nw_frag=later', 'nw_ttl=64', 'nw_tos=32']));
        }
        return terms;
      }
    }
  }

  #port(): number {
    return 1 + this.integer(PORTS);
  }

  #actions(table: number): string {
    const actions: string[] = [];
    const count = 1 + this.integer(4);
    for (let index = 0; index < count; index++) {
      actions.push(this.#action(table));
    }
    if (this.chance(10)) {
      actions.push(`write_actions(output:${this.#port()})`);
    }
    if (table < 3 && this.chance(40)) {
      actions.push(`goto_table:${table + 1}`);
    }
    return actions.join(',');
  }

  #action(table: number): string {
    const port = this.#port();
    switch (this.integer(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return `output:${port}`;
      case 4:
        return this.#isStateless ? (this.#isComparable ? 'LOCAL' : 'FLOOD') : 'NORMAL';
      case 5:
        return this.#isComparable ? 'IN_PORT' : this.pick(['IN_PORT', 'ALL', 'FLOOD']);
      case 6:
        return `load:${this.integer(3)}->NXM_NX_REG0[0..7]`;
      case 7:
        return 'move:NXM_OF_ETH_SRC[0..7]->NXM_NX_REG0[0..7]';
      case 8:
        return `mod_dl_src:${ETHERNET[0]}`;
      case 9:
        return `mod_nw_dst:${this.pick(IPV4)}`;
      case 10:
        // Open vSwitch sets a DSCP field without looking at the protocol, though it is not set where there is none.
        return this.pick([this.#isComparable ? 'mod_nw_ecn:1' : 'mod_nw_tos:32', 'mod_nw_ttl:9', 'dec_ttl']);
      case 11:
        return `mod_tp_dst:${this.pick(TRANSPORT_PORTS)}`;
      case 12:
        return this.#isComparable ? 'strip_vlan' : `mod_vlan_vid:${this.pick([10, 20])}`;
      case 13:
        return this.pick([
          'strip_vlan',
          this.#isComparable ? 'push_vlan:0x88a8' : 'mod_vlan_pcp:3',
          'push_vlan:0x8100',
        ]);
      case 14:
        return `group:${1 + this.integer(3)}`;
      case 15:
        return table < 3 ? `resubmit(${this.chance(50) ? port : ''},${table + 1})` : `output:${port}`;
      case 16:
        return `clone(mod_nw_src:${this.pick(IPV4)},output:${port})`;
      case 17:
        return 'push:NXM_OF_ETH_SRC[],pop:NXM_NX_XXREG1[0..47]';
      case 18:
        return 'output:NXM_NX_REG0[0..7]';
      case 19:
        return table < 3 && !this.#isComparable
          ? `check_pkt_larger(90)->NXM_NX_REG0[0],resubmit(,${table + 1})`
          : 'drop';
      case 20:
        return this.#isComparable ? 'mod_nw_ecn:2' : 'multipath(symmetric_l4,1,modulo_n,4,0,NXM_NX_REG0[0..7])';
      case 21:
        return this.#isStateless
          ? 'drop'
          : 'learn(table=3,idle_timeout=5,priority=30,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])';
      case 22:
        return 'push_mpls:0x8847,output:1,pop_mpls:0x0800';
      default:
        return `mod_dl_dst:${ETHERNET[1]}`;
    }
  }

  /** A frame with well-formed headers, VLAN tags, fragments, and now and then cut short. */
  frame(): Uint8Array {
    const frame = composeFrame(this.#frameSpec());
    return this.chance(3) ? frame.slice(0, Math.max(14, this.integer(frame.length))) : frame;
  }

  #frameSpec(): FrameSpec {
    const ethernet = { source: this.pick(ETHERNET.slice(0, 3)), destination: this.pick(ETHERNET) };
    const vlans = this.chance(25)
      ? [{ tpid: 0x8100, priority: this.pick([0, 3]), vlanId: this.pick([10, 20, 30]) }]
      : [];
    const payload = new Uint8Array(this.pick([0, 10, 60]));
    const link = { ethernet, vlans, payload };
    if (this.chance(10)) {
      const arp = { senderIpv4: this.pick(IPV4), targetIpv4: this.pick(IPV4), operation: 1 + this.integer(2) };
      return { ethernet, vlans, arp };
    }
    const ports = { sourcePort: this.pick(TRANSPORT_PORTS), destinationPort: this.pick(TRANSPORT_PORTS) };
    if (this.chance(15)) {
      return { ...link, ipv6: { source: this.pick(IPV6), destination: this.pick(IPV6) }, udp: ports };
    }
    const ipv4 = {
      source: this.pick(IPV4),
      destination: this.pick(IPV4),
      ttl: this.pick([1, 2, 64]),
      ...(this.chance(5) ? { fragmentOffset: this.pick([0, 100]), moreFragments: true } : {}),
    };
    switch (this.integer(3)) {
      case 0:
        return { ...link, ipv4, tcp: { ...ports, flags: this.pick([0x02, 0x10, 0x12, 0x04]) } };
      case 1:
        return { ...link, ipv4, udp: ports };
      default:
        return { ...link, ipv4, icmp: { type: this.pick([0, 8]) } };
    }
  }
}
