/** The report of a replay, as text and as JSON. */
import type { Replay } from './replay.ts';
import { formatCache, formatMasks, formatMegaflows, formatOpenFlowTables, type Layout, maskReports } from './report.ts';
import { counted, formatBytes, formatCount, formatShare, formatTable, heading } from './terminal.ts';

/** More megaflows or masks than this are not listed. */
const LIST_LIMIT = 20;

export function formatReplay({ report, switch: source }: Replay, layout: Layout): string {
  const { style, width } = layout;
  const { packets, bytes, captureMs, elapsedMs, packetsPerSecond, cutFrames, verdicts } = report;
  const title = `Replayed ${report.capture}`;
  const size = `${counted(packets, 'packet')}, ${formatBytes(bytes)}, ${seconds(captureMs)} of capture`;
  const speed = `in ${seconds(elapsedMs)} (${formatCount(packetsPerSecond)} packets/s)`;
  return [
    `${style.bold(title)}\n  ${size} ${speed}\n`,
    cutFrames === 0
      ? ''
      : `  ${formatCount(cutFrames)} of them are cut off in the capture; the switch saw zeros for what is missing\n`,
    heading('Verdicts', '', style),
    formatTable(
      [{ title: '' }, { title: '', align: 'right' }, { title: '', align: 'right' }],
      [
        ['forwarded', formatCount(verdicts.forwarded), formatShare(verdicts.forwarded, packets)],
        ['to the controller', formatCount(verdicts.toController), formatShare(verdicts.toController, packets)],
        ['dropped', formatCount(verdicts.dropped), formatShare(verdicts.dropped, packets)],
        ...(verdicts.unmapped === 0
          ? []
          : [['not switched: no port', formatCount(verdicts.unmapped), formatShare(verdicts.unmapped, packets)]]),
      ],
      width,
      style,
    ).replace(/^.*\n/, ''),
    hint(report),
    formatPorts(report, layout),
    formatCache(report.cache, layout),
    formatMasks(source, LIST_LIMIT, layout),
    formatMegaflows(source, LIST_LIMIT, layout),
    formatOpenFlowTables(source, layout),
  ].join('');
}

/** What a replay in which nothing goes anywhere usually lacks. */
function hint({ packets, verdicts, ports }: Replay['report']): string {
  const isStuck = packets > 0 && verdicts.forwarded === 0 && verdicts.toController === 0 && ports.length === 1;
  return isStuck
    ? '  All packets came in on port 1, and there is no other: --ports by-source gives each station its port.\n'
    : '';
}

function formatPorts({ ports }: Replay['report'], { width, style }: Layout): string {
  const withFiles = ports.some(({ file }) => file !== null);
  const rows = ports.map(({ number, name, inPackets, inBytes, outPackets, outBytes, file }) => [
    formatCount(number),
    name,
    formatCount(inPackets),
    formatBytes(inBytes),
    formatCount(outPackets),
    formatBytes(outBytes),
    ...(withFiles ? [file ?? ''] : []),
  ]);
  const columns = [
    { title: 'port', align: 'right' as const },
    { title: 'name' },
    { title: 'packets in', align: 'right' as const },
    { title: 'bytes in', align: 'right' as const },
    { title: 'packets out', align: 'right' as const },
    { title: 'bytes out', align: 'right' as const },
    ...(withFiles ? [{ title: 'written to' }] : []),
  ];
  return heading('Ports', '', style) + formatTable(columns, rows, width, style);
}

/** One document: the report, with masks, megaflows and OpenFlow flows as text. */
export function replayJson({ report, switch: source }: Replay): string {
  const document = {
    ...report,
    masks: maskReports(source),
    megaflows: source.megaflows().map(({ text, packets, bytes }) => ({ flow: text, packets, bytes })),
    flows: source
      .dumpFlowsText()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.trim()),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 3 : 1)} s`;
}
