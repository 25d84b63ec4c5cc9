/**
 * Which port of the switch a captured frame comes in on: what `--ports` says.
 *
 *   (nothing)              pcapng: a port for each interface, 1, 2, … in the order of the file; pcap: port 1
 *   by-source              a port for each source address, numbered in the order in which they appear
 *   1=eth0,2=#1,3=mac:02:00:00:00:00:01,4=mac:0a:00:00:00:00:00/ff:00:00:00:00:00,5=*,6
 *                          port 1 has the frames of the pcapng interface eth0, port 2 of the second interface, port 3 those from
 *                          an address, port 4 from addresses under a mask, port 5 all others; port 6 only sends
 *
 * The first entry that a frame fits decides. A frame that fits none is not switched, and counted.
 */
import type { CaptureInterface } from '../netdev/index.ts';
import { AddressError, formatEthernetAddress, parseEthernetMasked } from '../wire/index.ts';
import { CliError } from './cli-error.ts';

/** More stations than this and what was captured was no single switch's ports. */
const MAX_SOURCE_PORTS = 254;
const MAX_PORT_NUMBER = 0xfeff;

/** Where the frames of a port come from. */
type PortSource =
  | { readonly kind: 'interface'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'mac'; readonly address: bigint; readonly mask: bigint }
  | { readonly kind: 'any' }
  | { readonly kind: 'none' };

interface MappedPort {
  readonly number: number;
  /** what the report and the file of its frames are called */
  readonly name: string;
  readonly source: PortSource;
}

export type PortMapping =
  | { readonly kind: 'default' }
  | { readonly kind: 'by-source' }
  | { readonly kind: 'explicit'; readonly ports: readonly MappedPort[] };

/** Reads the argument of `--ports`. Throws `CliError` CLI_USAGE. */
export function parsePortMapping(text: string | undefined): PortMapping {
  if (text === undefined) {
    return { kind: 'default' };
  }
  if (text === 'by-source') {
    return { kind: 'by-source' };
  }
  const ports: MappedPort[] = [];
  const names = new Map<number, string>();
  for (const entry of text.split(',')) {
    const port = parseEntry(entry.trim(), text);
    // A port may have several sources: it keeps its first name.
    const name = names.get(port.number) ?? uniqueName(port.name, port.number, names);
    names.set(port.number, name);
    ports.push({ ...port, name });
  }
  return { kind: 'explicit', ports };
}

function parseEntry(entry: string, whole: string): MappedPort {
  const equals = entry.indexOf('=');
  const digits = equals < 0 ? entry : entry.slice(0, equals);
  const number = Number(digits);
  if (!/^\d+$/.test(digits) || number < 1 || number > MAX_PORT_NUMBER) {
    throw wrongEntry(entry, whole, `a port number is 1..${MAX_PORT_NUMBER}`);
  }
  if (equals < 0) {
    return { number, name: `port${number}`, source: { kind: 'none' } };
  }
  const source = entry.slice(equals + 1);
  if (source === '') {
    throw wrongEntry(entry, whole, 'nothing stands behind the "="');
  }
  if (source === '*') {
    return { number, name: `port${number}`, source: { kind: 'any' } };
  }
  if (/^#\d+$/.test(source)) {
    return { number, name: `port${number}`, source: { kind: 'index', index: Number(source.slice(1)) } };
  }
  if (source.startsWith('mac:')) {
    return { number, name: `port${number}`, source: parseMac(source.slice(4), entry, whole) };
  }
  return { number, name: fileName(source), source: { kind: 'interface', name: source } };
}

function parseMac(text: string, entry: string, whole: string): PortSource {
  try {
    const { address, mask } = parseEthernetMasked(text);
    return { kind: 'mac', address: address & mask, mask };
  } catch (error) {
    if (error instanceof AddressError) {
      throw wrongEntry(entry, whole, error.message);
    }
    throw error;
  }
}

function wrongEntry(entry: string, whole: string, reason: string): CliError {
  const at = whole.indexOf(entry);
  return new CliError(
    'CLI_USAGE',
    `wrong --ports "${entry}": ${reason}; expected NUMBER=INTERFACE, NUMBER=#INDEX, NUMBER=mac:ADDRESS[/MASK], NUMBER=* or NUMBER\n  ${whole}\n  ${' '.repeat(Math.max(0, at))}^`,
  );
}

/** Interface names become file names. */
function fileName(name: string): string {
  return name.replace(/[^\w.:@-]/g, '_').replace(/^\.+/, '_');
}

function uniqueName(name: string, number: number, taken: ReadonlyMap<number, string>): string {
  return [...taken.values()].includes(name) ? `${name}-${number}` : name;
}

/** Decides for frame after frame; makes ports known as they are needed. */
export class PortChooser {
  readonly #mapping: PortMapping;
  readonly #addPort: (number: number, name: string) => void;
  readonly #names: Map<number, string> = new Map();
  /** by interface index of the current section */
  #byInterface: number[] = [];
  readonly #interfaceNumbers: Map<string, number> = new Map();
  readonly #bySource: Map<number, number> = new Map();
  #section: CaptureInterface | null = null;

  /** `addPort` is called once for each port, before a frame comes in on it. */
  constructor(mapping: PortMapping, addPort: (number: number, name: string) => void) {
    this.#mapping = mapping;
    this.#addPort = addPort;
    if (mapping.kind === 'explicit') {
      for (const { number, name } of mapping.ports) {
        this.#know(number, name);
      }
    }
  }

  /** The number of the port, or -1. `frame` begins with an Ethernet header, if it is long enough. */
  choose(
    bytes: Uint8Array,
    start: number,
    length: number,
    index: number,
    interfaces: readonly CaptureInterface[],
  ): number {
    switch (this.#mapping.kind) {
      case 'default':
        return this.#chooseByInterface(index, interfaces);
      case 'by-source':
        return this.#chooseBySource(bytes, start, length);
      case 'explicit':
        for (const { number, source } of this.#mapping.ports) {
          if (fits(source, bytes, start, length, index, interfaces)) {
            return number;
          }
        }
        return -1;
    }
  }

  /** Makes the ports of the interfaces known that stand before the first packet, so that floods reach them all. */
  announce(interfaces: readonly CaptureInterface[]): void {
    if (this.#mapping.kind === 'default') {
      for (let index = 0; index < interfaces.length; index++) {
        this.#chooseByInterface(index, interfaces);
      }
    }
  }

  /** Makes the port of a frame's source known. */
  announceSource(bytes: Uint8Array, start: number, length: number): void {
    if (this.#mapping.kind === 'by-source') {
      this.#chooseBySource(bytes, start, length);
    }
  }

  /** Makes a port known that flows speak of. */
  need(number: number): void {
    this.#know(number, uniqueName(`port${number}`, number, this.#names));
  }

  #chooseByInterface(index: number, interfaces: readonly CaptureInterface[]): number {
    // A new section of a pcapng file numbers its interfaces anew; those of the same name are the same port.
    if (interfaces[0] !== this.#section) {
      this.#section = interfaces[0] ?? null;
      this.#byInterface = [];
    }
    let number = this.#byInterface[index];
    if (number === undefined) {
      const name = interfaces[index]?.name ?? '';
      const id = name === '' ? `#${index}` : name;
      number = this.#interfaceNumbers.get(id) ?? this.#interfaceNumbers.size + 1;
      this.#interfaceNumbers.set(id, number);
      this.#byInterface[index] = number;
      this.#know(number, name === '' ? `port${number}` : uniqueName(fileName(name), number, this.#names));
    }
    return number;
  }

  #chooseBySource(bytes: Uint8Array, start: number, length: number): number {
    if (length < 12) {
      return -1;
    }
    // 48 bits fit a number, which is the fastest key.
    const high = ((bytes[start + 6]! << 8) | bytes[start + 7]!) * 0x1_0000_0000;
    const low = (bytes[start + 8]! << 24) | (bytes[start + 9]! << 16) | (bytes[start + 10]! << 8) | bytes[start + 11]!;
    const source = high + (low >>> 0);
    let number = this.#bySource.get(source);
    if (number === undefined) {
      if (this.#bySource.size === MAX_SOURCE_PORTS) {
        throw new CliError(
          'CLI_CAPTURE',
          `the capture has frames from more than ${MAX_SOURCE_PORTS} addresses: "--ports by-source" is for captures of one network; say which addresses belong to which port, e.g. --ports "1=mac:${formatEthernetAddress(readAddress(bytes, start + 6))},2=*"`,
        );
      }
      number = this.#bySource.size + 1;
      this.#bySource.set(source, number);
      this.need(number);
    }
    return number;
  }

  #know(number: number, name: string): void {
    if (!this.#names.has(number)) {
      this.#names.set(number, name);
      this.#addPort(number, name);
    }
  }
}

function fits(
  source: PortSource,
  bytes: Uint8Array,
  start: number,
  length: number,
  index: number,
  interfaces: readonly CaptureInterface[],
): boolean {
  switch (source.kind) {
    case 'any':
      return true;
    case 'none':
      return false;
    case 'index':
      return index === source.index;
    case 'interface':
      return interfaces[index]?.name === source.name;
    case 'mac':
      return length >= 12 && (readAddress(bytes, start + 6) & source.mask) === source.address;
  }
}

function readAddress(bytes: Uint8Array, at: number): bigint {
  let address = 0n;
  for (let i = 0; i < 6; i++) {
    address = (address << 8n) | BigInt(bytes[at + i]!);
  }
  return address;
}
