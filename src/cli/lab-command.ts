/**
 * `megaflow lab`: makes the network, sends traffic, reports, and goes on until told to end. Whatever happens, the network
 * is taken down: here, or, should the process crash, by `NetworkNamespaces` when it exits.
 */

import { NetdevError } from '../netdev/index.ts';
import { monotonicMilliseconds, PlatformError } from '../platform/index.ts';
import type { TraceResult } from '../switch/index.ts';
import { CliError } from './cli-error.ts';
import { type CliIo, interruptExitCode } from './io.ts';
import { LAB_FLOWS, LAB_SERVICE_PORT } from './lab-flows.ts';
import { createInProcessNetwork } from './lab-in-process.ts';
import { createNamespaceNetwork } from './lab-namespaces.ts';
import { Interrupted, LAB_HOSTS, type LabHost, type LabNetwork } from './lab-network.ts';
import { type LabTrial, runTraffic } from './lab-traffic.ts';
import { addFlowsText } from './pipeline-files.ts';
import {
  cacheReport,
  formatCache,
  formatExplanation,
  formatMasks,
  formatMegaflows,
  formatOpenFlowTables,
  formatTraceText,
  type Layout,
  maskReports,
} from './report.ts';
import { formatCount, formatShare, formatTable, heading, ProgressLine, styleFor, widthOf } from './terminal.ts';

const LIST_LIMIT = 20;
/** Of a switch that is not told otherwise. */
const LOOKUP = 'tree';

export interface LabOptions {
  readonly hosts: 'best' | 'namespaces' | 'in-process';
  /** end after the report */
  readonly once: boolean;
  readonly json: boolean;
}

/** Runs the lab; the exit code says whether traffic went as the flows say. Throws `CliError` CLI_NAMESPACES. */
export async function runLab(options: LabOptions, io: CliIo): Promise<number> {
  const progress = new ProgressLine(io.stderr, monotonicMilliseconds);
  const interrupts = io.catchInterrupts();
  let network: LabNetwork | null = null;
  try {
    network = createNetwork(options.hosts, interrupts.signal, io);
    addFlowsText(network.switch, LAB_FLOWS, 'lab');
    const trials = await runTraffic(network, (what) => progress.show(`Sending traffic: ${what} …`));
    progress.clear();
    const trace = traceOnePacket(network);
    const layout = { width: widthOf(io.stdout), style: styleFor(io.stdout, io.env) };
    io.stdout.write(options.json ? labJson(network, trials, trace) : formatLab(network, trials, trace, layout));
    if (!options.once) {
      await goOn(network, interrupts.signal, options.json ? io.stderr : io.stdout, progress);
    }
    return trials.every(({ isAsExpected }) => isAsExpected) ? 0 : 1;
  } catch (error) {
    if (error instanceof Interrupted) {
      return interruptExitCode(interrupts.signal);
    }
    throw error;
  } finally {
    progress.clear();
    network?.close();
    interrupts.release();
  }
}

function createNetwork(hosts: LabOptions['hosts'], interrupted: AbortSignal, io: CliIo): LabNetwork {
  if (hosts === 'in-process') {
    return createInProcessNetwork();
  }
  try {
    return createNamespaceNetwork(interrupted);
  } catch (error) {
    if (!(error instanceof PlatformError || error instanceof NetdevError)) {
      throw error;
    }
    if (hosts === 'namespaces') {
      throw new CliError('CLI_NAMESPACES', `${error.message}; without --namespaces the hosts live in this process`, {
        cause: error,
      });
    }
    io.stderr.write(`megaflow: ${error.message}; the hosts live in this process instead\n`);
    return createInProcessNetwork();
  }
}

/** The packet that the report explains: of the conversation that passed, so that table 0 looked at its port. */
function traceOnePacket({ switch: source, transport }: LabNetwork): TraceResult {
  const [from, to] = LAB_HOSTS as [LabHost, LabHost];
  const addresses = `dl_src=${from.ethernet},dl_dst=${to.ethernet},nw_src=${from.ipv4},nw_dst=${to.ipv4},nw_ttl=64`;
  return source.trace(`in_port=${from.port},${transport},${addresses},tp_src=40000,tp_dst=${LAB_SERVICE_PORT}`);
}

/** Keeps the network alive, with its counters on a terminal, until told to end. */
async function goOn(
  network: LabNetwork,
  interrupted: AbortSignal,
  output: CliIo['stdout'],
  progress: ProgressLine,
): Promise<void> {
  const lines = ['The switch goes on until Ctrl-C.', ...network.instructions.map((line) => `  ${line}`)];
  output.write(`\n${lines.join('\n')}\n`);
  await network.live(interrupted, () => {
    const { lookups, hits, megaflows, masks } = cacheReport(network.switch, LOOKUP);
    const counts = `${formatCount(lookups)} packets, ${formatShare(hits, lookups)} hits`;
    progress.show(`${counts}, ${formatCount(megaflows)} megaflows, ${formatCount(masks)} masks`);
  });
}

function formatLab(network: LabNetwork, trials: readonly LabTrial[], trace: TraceResult, layout: Layout): string {
  const source = network.switch;
  return [
    layout.style.bold('A switch with three hosts'),
    `\n  ${network.description}\n`,
    formatTrials(trials, layout),
    formatOpenFlowTables(source, layout),
    formatMegaflows(source, LIST_LIMIT, layout),
    formatMasks(source, LIST_LIMIT, layout),
    formatCache(cacheReport(source, LOOKUP), layout),
    heading('One packet', 'as ovs-appctl ofproto/trace', layout.style),
    formatTraceText(trace, layout),
    formatExplanation(trace, layout),
  ].join('');
}

function formatTrials(trials: readonly LabTrial[], { width, style }: Layout): string {
  const rows = trials.map(({ what, expected, isAsExpected, outcome }) => [
    isAsExpected ? 'ok' : 'WRONG',
    what,
    expected,
    outcome,
  ]);
  const table = formatTable([{ title: '' }, { title: '' }, { title: 'should' }, { title: 'did' }], rows, width, style)
    .replace(/^( {2})ok/gm, (_all, lead: string) => `${lead}${style.good('ok')}`)
    .replace(/^( {2})WRONG/gm, (_all, lead: string) => `${lead}${style.bad('WRONG')}`);
  return heading('Traffic', '', style) + table;
}

function labJson(network: LabNetwork, trials: readonly LabTrial[], trace: TraceResult): string {
  const source = network.switch;
  const document = {
    hosts: network.description,
    traffic: trials,
    flows: source
      .dumpFlowsText()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.trim()),
    megaflows: source.megaflows().map(({ text, packets, bytes }) => ({ flow: text, packets, bytes })),
    masks: maskReports(source),
    cache: cacheReport(source, LOOKUP),
    trace: { text: trace.text, megaflow: trace.megaflow, actions: trace.actions, explanation: trace.explanation },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
