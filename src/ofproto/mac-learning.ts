/**
 * The MAC learning table of a bridge: which port a station was last seen behind, per VLAN.
 *
 * Reading and changing are apart, because translation is pure: it asks `lookup`, and says as an effect that a frame came
 * in; whoever applies the effect calls `learn`, once for the packet and again with each statistics push. `learn` says,
 * and `changeSequence` counts, whether some lookup may now answer otherwise, so that translations are revalidated
 * for a station that is new, moved or gone, and not for one that was merely seen again.
 *
 * A full table evicts from the port that has the most entries, the one longest unseen there: a port that floods the
 * table with made-up addresses displaces its own. After a gratuitous ARP from a port that is not a bond, an entry is
 * locked against gratuitous ARPs that bonds reflect back (vswitchd's documentation of balance-slb).
 *
 * An entry is kept in recency order twice, in the table's list for ageing and in its port's for eviction: a `Set` is
 * in insertion order, and deleting and adding again moves to its end. Time is milliseconds of any clock that does
 * not run backwards.
 */
import { formatEthernetAddress } from '../wire/index.ts';

/** ovs-vswitchd.conf.db(5), other_config:mac-aging-time: default and the range that it is forced into */
export const MAC_IDLE_TIME_DEFAULT_MS = 300_000;
const MAC_IDLE_TIME_MIN_MS = 15_000;
const MAC_IDLE_TIME_MAX_MS = 3_600_000;
/** ovs-vswitchd.conf.db(5), other_config:mac-table-size */
export const MAC_TABLE_SIZE_DEFAULT = 8192;
const MAC_TABLE_SIZE_MIN = 10;
const MAC_TABLE_SIZE_MAX = 1_000_000;
const GRATUITOUS_ARP_LOCK_MS = 5000;
/** An entry seen again is moved in the recency order once in this time, not for each packet. */
const REFRESH_MS = 1000;

/** A frame came in: its source address and where it was. */
export interface MacSighting {
  readonly port: number;
  readonly vlan: number;
  /** upper 16 bits of the address */
  readonly macHigh: number;
  /** lower 32 bits, as an int32 */
  readonly macLow: number;
  readonly isGratuitousArp: boolean;
  /** the port is a bond, which may see a station's own broadcasts come back */
  readonly isBond?: boolean;
}

/** One line of `fdb/show`. */
export interface MacRow {
  readonly port: number;
  readonly vlan: number;
  readonly mac: bigint;
  /** whole seconds since it was last seen; `null` for a static entry */
  readonly ageSeconds: number | null;
}

export interface MacStatistics {
  /** since the statistics were cleared */
  learned: number;
  expired: number;
  evicted: number;
  moved: number;
}

interface MacEntry {
  readonly vlan: number;
  readonly mac: number;
  port: number;
  isStatic: boolean;
  seenMs: number;
  lockedUntilMs: number;
  /** place in the order of `fdb/show` */
  order: number;
}

export class MacLearning {
  /** Grows with every change that may change the answer of a lookup. */
  changeSequence = 0;
  readonly statistics: MacStatistics = { learned: 0, expired: 0, evicted: 0, moved: 0 };
  #idleTimeMs = MAC_IDLE_TIME_DEFAULT_MS;
  #maxEntries = MAC_TABLE_SIZE_DEFAULT;
  #floodVlans: ReadonlySet<number> = new Set();
  /** VLAN → address → entry */
  readonly #vlans: Map<number, Map<number, MacEntry>> = new Map();
  /** learned entries, the one longest unseen first */
  readonly #recency: Set<MacEntry> = new Set();
  /** the same by port; static entries are in neither */
  readonly #ports: Map<number, Set<MacEntry>> = new Map();
  #entryCount = 0;
  #nextOrder = 0;

  /** Entries in the table, static ones included. */
  get size(): number {
    return this.#entryCount;
  }

  get staticCount(): number {
    return this.#entryCount - this.#recency.size;
  }

  get maxEntries(): number {
    return this.#maxEntries;
  }

  /** The port behind which the station is, -1 when that is not known. */
  lookup(vlan: number, macHigh: number, macLow: number): number {
    if (isMulticast(macHigh) || this.#floodVlans.has(vlan)) {
      return -1;
    }
    return this.#find(vlan, macHigh, macLow)?.port ?? -1;
  }

  /** Whether `learn` would do anything. */
  wouldLearn(sighting: MacSighting, nowMs: number): boolean {
    const { vlan, macHigh, macLow } = sighting;
    if (isMulticast(macHigh) || this.#floodVlans.has(vlan)) {
      return false;
    }
    const entry = this.#find(vlan, macHigh, macLow);
    if (entry === undefined) {
      return this.#recency.size > 0 || this.#entryCount < this.#maxEntries;
    }
    // A statistics push may tell of packets older than the one that moved the station here.
    if (
      entry.isStatic ||
      nowMs < entry.seenMs ||
      (sighting.isGratuitousArp && sighting.isBond === true && nowMs < entry.lockedUntilMs)
    ) {
      return false;
    }
    return (
      entry.port !== sighting.port ||
      nowMs - entry.seenMs >= REFRESH_MS ||
      (sighting.isGratuitousArp && sighting.isBond !== true)
    );
  }

  /** Takes a sighting in. Returns whether it changed where a station is thought to be. */
  learn(sighting: MacSighting, nowMs: number): boolean {
    if (!this.wouldLearn(sighting, nowMs)) {
      return false;
    }
    const { vlan, macHigh, macLow, port } = sighting;
    let entry = this.#find(vlan, macHigh, macLow);
    const previousPort = entry?.port;
    if (entry === undefined) {
      if (this.#entryCount >= this.#maxEntries) {
        this.#evict();
      }
      entry = this.#insert(vlan, macHigh, macLow, port, nowMs);
      this.statistics.learned++;
    } else if (previousPort !== port) {
      this.statistics.moved++;
    }
    if (sighting.isGratuitousArp && sighting.isBond !== true) {
      entry.lockedUntilMs = nowMs + GRATUITOUS_ARP_LOCK_MS;
    }
    this.#unlink(entry);
    entry.port = port;
    entry.seenMs = nowMs;
    this.#link(entry);
    const isChange = previousPort !== port;
    this.changeSequence += isChange ? 1 : 0;
    return isChange;
  }

  /** Puts in an entry that does not age and that no packet moves (`fdb/add`). Returns whether that is a change. */
  addStatic(vlan: number, macHigh: number, macLow: number, port: number): boolean {
    const entry = this.#find(vlan, macHigh, macLow);
    if (entry?.isStatic === true && entry.port === port) {
      return false;
    }
    if (entry !== undefined) {
      this.#remove(entry);
    } else if (this.#entryCount >= this.#maxEntries) {
      if (this.#recency.size === 0) {
        return false;
      }
      this.#evict();
    }
    this.#insert(vlan, macHigh, macLow, port, 0).isStatic = true;
    this.changeSequence++;
    return true;
  }

  /** Takes a static entry out (`fdb/del`). Returns whether there was one. */
  deleteStatic(vlan: number, macHigh: number, macLow: number): boolean {
    const entry = this.#find(vlan, macHigh, macLow);
    if (entry?.isStatic !== true) {
      return false;
    }
    this.#remove(entry);
    this.changeSequence++;
    return true;
  }

  /** Removes what was not seen for the idle time, and what is more than a reduced size allows. Returns how many. */
  expire(nowMs: number): number {
    let expired = 0;
    for (const entry of this.#recency) {
      if (nowMs - entry.seenMs < this.#idleTimeMs && this.#entryCount <= this.#maxEntries) {
        break;
      }
      this.#remove(entry);
      expired++;
    }
    this.statistics.expired += expired;
    this.changeSequence += expired > 0 ? 1 : 0;
    return expired;
  }

  /** When `expire` has something to do next, `Infinity` when never. */
  nextExpiryMs(): number {
    for (const entry of this.#recency) {
      return this.#entryCount > this.#maxEntries ? entry.seenMs : entry.seenMs + this.#idleTimeMs;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Forgets everything learned (`fdb/flush`); static entries stay. */
  flush(): void {
    this.changeSequence += this.#recency.size > 0 ? 1 : 0;
    for (const entry of this.#recency) {
      this.#remove(entry);
    }
  }

  /** Forgets everything about a port that goes away, static entries too. */
  flushPort(port: number): void {
    let removed = 0;
    for (const entry of this.#allEntries()) {
      if (entry.port === port) {
        this.#remove(entry);
        removed++;
      }
    }
    this.changeSequence += removed > 0 ? 1 : 0;
  }

  /** Sets how long an unseen entry is kept, forced into 15 s to 3600 s. Holds for the present entries too. */
  setIdleTime(idleTimeMs: number): void {
    this.#idleTimeMs = Math.min(Math.max(idleTimeMs, MAC_IDLE_TIME_MIN_MS), MAC_IDLE_TIME_MAX_MS);
  }

  /** Sets the size of the table, forced into 10 to 1,000,000. What is too much goes at the next `expire`. */
  setMaxEntries(maxEntries: number): void {
    this.#maxEntries = Math.min(Math.max(maxEntries, MAC_TABLE_SIZE_MIN), MAC_TABLE_SIZE_MAX);
  }

  /** Sets the VLANs in which nothing is learned and everything flooded. If they change, everything learned is forgotten. */
  setFloodVlans(vlans: Iterable<number>): void {
    const wanted = new Set(vlans);
    const isSame = wanted.size === this.#floodVlans.size && [...wanted].every((vlan) => this.#floodVlans.has(vlan));
    if (!isSame) {
      this.#floodVlans = wanted;
      this.flush();
      this.changeSequence++;
    }
  }

  clearStatistics(): void {
    Object.assign(this.statistics, { learned: 0, expired: 0, evicted: 0, moved: 0 });
  }

  /** All entries, the one longest unseen first. */
  rows(nowMs: number): MacRow[] {
    return this.#allEntries()
      .sort((a, b) => a.order - b.order)
      .map(({ port, vlan, mac, isStatic, seenMs }) => ({
        port,
        vlan,
        mac: BigInt(mac),
        ageSeconds: isStatic ? null : Math.max(0, Math.floor((nowMs - seenMs) / 1000)),
      }));
  }

  #find(vlan: number, macHigh: number, macLow: number): MacEntry | undefined {
    return this.#vlans.get(vlan)?.get(macNumber(macHigh, macLow));
  }

  #insert(vlan: number, macHigh: number, macLow: number, port: number, nowMs: number): MacEntry {
    const mac = macNumber(macHigh, macLow);
    const order = this.#nextOrder++;
    const entry: MacEntry = { vlan, mac, port, isStatic: false, seenMs: nowMs, lockedUntilMs: 0, order };
    let entries = this.#vlans.get(vlan);
    if (entries === undefined) {
      entries = new Map();
      this.#vlans.set(vlan, entries);
    }
    entries.set(mac, entry);
    this.#entryCount++;
    return entry;
  }

  #remove(entry: MacEntry): void {
    this.#unlink(entry);
    const entries = this.#vlans.get(entry.vlan);
    entries?.delete(entry.mac);
    if (entries?.size === 0) {
      this.#vlans.delete(entry.vlan);
    }
    this.#entryCount--;
  }

  /** Puts a learned entry at the end of both recency orders. */
  #link(entry: MacEntry): void {
    entry.order = this.#nextOrder++;
    this.#recency.add(entry);
    let entries = this.#ports.get(entry.port);
    if (entries === undefined) {
      entries = new Set();
      this.#ports.set(entry.port, entries);
    }
    entries.add(entry);
  }

  #unlink(entry: MacEntry): void {
    this.#recency.delete(entry);
    const entries = this.#ports.get(entry.port);
    entries?.delete(entry);
    if (entries?.size === 0) {
      this.#ports.delete(entry.port);
    }
  }

  /** Makes room for one entry. Ports are few beside entries, so that they are simply gone through. */
  #evict(): void {
    let most: Set<MacEntry> | undefined;
    for (const entries of this.#ports.values()) {
      if (most === undefined || entries.size > most.size) {
        most = entries;
      }
    }
    for (const entry of most ?? []) {
      this.#remove(entry);
      this.statistics.evicted++;
      return;
    }
  }

  #allEntries(): MacEntry[] {
    return [...this.#vlans.values()].flatMap((entries) => [...entries.values()]);
  }
}

/** The text of `fdb/show`. `formatPort`: how a port is written, an OpenFlow port number or `LOCAL`. */
export function formatMacTable(table: MacLearning, nowMs: number, formatPort: (port: number) => string): string {
  const lines = table.rows(nowMs).map(({ port, vlan, mac, ageSeconds }) => {
    const age = ageSeconds === null ? 'static' : String(ageSeconds).padStart(3);
    return `${formatPort(port).padStart(5)}  ${String(vlan).padStart(4)}  ${formatEthernetAddress(mac)}  ${age}\n`;
  });
  return ` port  VLAN  MAC                Age\n${lines.join('')}`;
}

/** The text of `fdb/stats-show`. */
export function formatMacStatistics(table: MacLearning, bridge: string): string {
  const { learned, expired, evicted, moved } = table.statistics;
  return `Statistics for bridge "${bridge}":
  Current/maximum MAC entries in the table: ${table.size}/${table.maxEntries}
  Current static MAC entries in the table : ${table.staticCount}
  Total number of learned MAC entries     : ${learned}
  Total number of expired MAC entries     : ${expired}
  Total number of evicted MAC entries     : ${evicted}
  Total number of port moved MAC entries  : ${moved}
`;
}

function isMulticast(macHigh: number): boolean {
  return (macHigh & 0x0100) !== 0;
}

/** The 48 bits of an address as a number. */
function macNumber(macHigh: number, macLow: number): number {
  return macHigh * 2 ** 32 + (macLow >>> 0);
}
