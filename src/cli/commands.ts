/**
 * The command table: every command of the executable with its arguments, options, examples and what runs it. Help texts,
 * parsing and completeness of documentation all come from here.
 */
import { CliError } from './cli-error.ts';
import type { CliIo } from './io.ts';
import { runLab } from './lab-command.ts';
import { parsePortMapping } from './port-mapping.ts';
import { runReplay } from './replay-command.ts';
import { runTrace, type TracedPacket } from './trace-command.ts';

/** What the user said, by the long names of options; numbers and texts are read by `run`. */
export type OptionValues = Readonly<Record<string, string | boolean | undefined>>;

interface CommandOption {
  /** as commander takes it: `--out <directory>` */
  readonly flags: string;
  readonly summary: string;
  readonly choices?: readonly string[];
  readonly default?: string;
  readonly isRequired?: boolean;
}

interface CommandArgument {
  /** `<capture>`, or `[flow]` when it may be left out */
  readonly syntax: string;
  readonly summary: string;
}

interface CommandExample {
  readonly command: string;
  readonly effect: string;
}

export interface Command {
  readonly name: string;
  /** one line, for the list of commands */
  readonly summary: string;
  /** what stands above the options in the command's own help */
  readonly description: string;
  readonly arguments: readonly CommandArgument[];
  readonly options: readonly CommandOption[];
  readonly examples: readonly CommandExample[];
  /** Carries the command out and returns the exit code. Throws `CliError` and what the layers throw for bad input. */
  readonly run: (args: readonly (string | undefined)[], options: OptionValues, io: CliIo) => number | Promise<number>;
}

const FLOWS_OPTION: CommandOption = {
  flags: '--flows <file>',
  summary: 'flows of the switch, as for ovs-ofctl add-flows; "-" is standard input',
  isRequired: true,
};
const GROUPS_OPTION: CommandOption = {
  flags: '--groups <file>',
  summary: 'groups of the switch, as for ovs-ofctl add-groups',
};

export const COMMANDS: readonly Command[] = [
  {
    name: 'lab',
    summary: 'a switch with three hosts, real traffic, and a report of what the cache did',
    description:
      'Runs a switch with an OpenFlow pipeline (an access list, a learning table) and three hosts. As root on Linux the hosts are network namespaces and the traffic is real; elsewhere they live in this process. Sends traffic, prints a report, then keeps switching until Ctrl-C.',
    arguments: [],
    options: [
      { flags: '--once', summary: 'end after the report: exit code 0, or 1 if traffic did not go as the flows say' },
      { flags: '--in-process', summary: 'hosts in this process, even where network namespaces could be had' },
      { flags: '--namespaces', summary: 'hosts in network namespaces, or fail where they cannot be had' },
      { flags: '--json', summary: 'print the report as one JSON document' },
    ],
    examples: [
      { command: 'megaflow lab', effect: 'keep the lab open; the report says how to use the hosts' },
      { command: 'megaflow lab --once --in-process', effect: 'the same without any privileges' },
    ],
    run(_args, options, io) {
      if (options.inProcess === true && options.namespaces === true) {
        throw new CliError('CLI_USAGE', '--in-process and --namespaces exclude each other');
      }
      const hosts = options.inProcess === true ? 'in-process' : options.namespaces === true ? 'namespaces' : 'best';
      return runLab({ hosts, once: options.once === true, json: options.json === true }, io);
    },
  },
  {
    name: 'replay',
    summary: 'run a capture through a pipeline with the whole cache hierarchy',
    description: `Runs a capture (pcap or pcapng) through a switch, each packet at the time of its time stamp, and reports hits, masks, megaflows and where the packets went.

--ports says on which port a packet comes in:
  (left out)    pcapng: a port for each interface, 1, 2, …; pcap: port 1. Ports that the flows
                speak of exist as well.
  by-source     a port for each source address, in the order of their first packets
  LIST          NUMBER=SOURCE,…; the first that fits. SOURCE is the name of a pcapng interface,
                #INDEX, mac:ADDRESS[/MASK] or * for all; NUMBER alone is a port that only sends.`,
    arguments: [{ syntax: '<capture>', summary: 'pcap or pcapng file of Ethernet frames; "-" is standard input' }],
    options: [
      FLOWS_OPTION,
      GROUPS_OPTION,
      { flags: '--ports <mapping>', summary: 'which packets come in on which port, see above' },
      { flags: '--out <directory>', summary: 'write what left each port to DIRECTORY/PORT.pcap' },
      { flags: '--json', summary: 'print the report as one JSON document' },
      { flags: '--lookup <kind>', summary: 'how megaflows are found', choices: ['tree', 'masks'], default: 'tree' },
      {
        flags: '--mask-cache <entries>',
        summary: 'entries of the mask cache of --lookup masks, a power of two; 0 turns it off',
        default: '256',
      },
    ],
    examples: [
      {
        command: 'megaflow replay lan.pcap --flows examples/flows.txt --ports by-source',
        effect: 'a port for each station',
      },
      {
        command: 'megaflow replay trunk.pcapng --flows flows.txt --ports 1=eth0,2=eth1 --out sent',
        effect: 'what left each port is in sent/eth0.pcap and sent/eth1.pcap',
      },
      {
        command: 'tcpdump -w - | megaflow replay - --flows flows.txt --json',
        effect: 'from a pipe, for a program',
      },
    ],
    run([capture], options, io) {
      const { groups, ports, out } = options as Readonly<Record<string, string | undefined>>;
      const flows = options.flows as string;
      if (capture === '-' && (flows === '-' || groups === '-')) {
        throw new CliError('CLI_USAGE', 'standard input can be only one of capture, flows and groups');
      }
      return runReplay(
        {
          capture: capture!,
          flows,
          ...(groups === undefined ? {} : { groups }),
          ports: parsePortMapping(ports),
          ...(out === undefined ? {} : { out }),
          lookup: options.lookup === 'masks' ? 'masks' : 'tree',
          maskCacheSize: parseMaskCacheSize(options.maskCache as string),
          json: options.json === true,
        },
        io,
      );
    },
  },
  {
    name: 'trace',
    summary: 'what would become of a packet, and why',
    description:
      'Prints what ovs-appctl ofproto/trace prints for a packet: the way through the tables, the megaflow, the datapath actions. The packet is FLOW, such as "in_port=1,tcp,nw_dst=10.0.0.2,tp_dst=80", or a frame.',
    arguments: [{ syntax: '[flow]', summary: 'the packet as a flow; what is left out is 0' }],
    options: [
      FLOWS_OPTION,
      GROUPS_OPTION,
      { flags: '--hex <frame>', summary: 'the packet as a frame in hexadecimal; needs --port' },
      { flags: '--port <number>', summary: 'the port that the frame of --hex comes in on' },
      { flags: '--ports <numbers>', summary: 'ports of the switch, such as 1,2,5-8; default those that are spoken of' },
      { flags: '--explain', summary: 'say for each field of the megaflow who asked for it' },
      { flags: '--json', summary: 'print one JSON document' },
    ],
    examples: [
      {
        command: 'megaflow trace --flows flows.txt "in_port=1,tcp,nw_dst=10.0.0.2,tp_dst=80" --explain',
        effect: 'why the megaflow matches what it does',
      },
      {
        command: 'megaflow trace --flows flows.txt --port 1 --hex ffffffffffff020000000001080600010800…',
        effect: 'the same for a frame',
      },
    ],
    run([flow], options, io) {
      const { groups, ports } = options as Readonly<Record<string, string | undefined>>;
      return runTrace(
        {
          flows: options.flows as string,
          ...(groups === undefined ? {} : { groups }),
          packet: tracedPacket(flow, options),
          ...(ports === undefined ? {} : { ports: parsePortList(ports) }),
          explain: options.explain === true,
          json: options.json === true,
        },
        io,
      );
    },
  },
];

function tracedPacket(flow: string | undefined, { hex, port }: OptionValues): TracedPacket {
  if (typeof hex === 'string') {
    if (flow !== undefined) {
      throw new CliError('CLI_USAGE', 'the packet is either FLOW or --hex, not both');
    }
    if (typeof port !== 'string') {
      throw new CliError('CLI_USAGE', '--hex needs --port, the port that the frame comes in on');
    }
    return { kind: 'frame', hex, port: parsePortNumber(port, '--port') };
  }
  if (flow === undefined) {
    throw new CliError('CLI_USAGE', 'no packet: give FLOW, such as "in_port=1,arp", or --hex with --port');
  }
  if (port !== undefined) {
    throw new CliError('CLI_USAGE', '--port goes with --hex; in FLOW write in_port=…');
  }
  return { kind: 'flow', text: flow };
}

function parsePortNumber(text: string, option: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > 65279) {
    throw new CliError('CLI_USAGE', `wrong ${option} "${text}": expected 1..65279`);
  }
  return number;
}

/** `1,2,5-8` */
function parsePortList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [first = '', last = first, rest] = part.trim().split('-');
    const start = parsePortNumber(first, '--ports');
    const end = parsePortNumber(last, '--ports');
    if (rest !== undefined || end < start || end - start > 1023) {
      throw new CliError('CLI_USAGE', `wrong --ports "${part}": expected a number, or a range of up to 1024 numbers`);
    }
    return Array.from({ length: end - start + 1 }, (_, index) => start + index);
  });
}

function parseMaskCacheSize(text: string): number {
  const size = Number(text);
  if (!/^\d+$/.test(text) || size > 1 << 20 || (size & (size - 1)) !== 0) {
    throw new CliError('CLI_USAGE', `wrong --mask-cache "${text}": expected 0 or a power of two up to 1048576`);
  }
  return size;
}
