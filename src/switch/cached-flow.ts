/** A megaflow of the cache as text. */
import { type Dpif, type DpifFlow, decodeActions, formatDatapathFlow } from '../dpif/index.ts';
import { createFlow } from '../flow/index.ts';

/** The flow in the text of `ovs-appctl dpctl/dump-flows`, with its UFID. */
export function formatCachedFlow(dpif: Dpif, flow: DpifFlow, nowMs: number): string {
  const key = createFlow();
  const mask = createFlow();
  const stats = { packets: 0, bytes: 0, usedMs: 0, tcpFlags: 0 };
  dpif.readKey(flow, key);
  dpif.readMask(flow, mask);
  dpif.readStats(flow, stats);
  const ufid = new Int32Array(4);
  return formatDatapathFlow({
    ufid: dpif.readUfid(flow, ufid) ? [...ufid] : null,
    key,
    mask,
    stats: {
      packets: stats.packets,
      bytes: stats.bytes,
      usedMs: stats.packets === 0 ? null : nowMs - stats.usedMs,
      tcpFlags: stats.tcpFlags,
    },
    actions: decodeActions(dpif.actions(flow)),
  });
}
