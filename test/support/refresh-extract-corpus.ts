/**
 * Asks a running ovs-vswitchd what it extracts from each packet of test/unit/flow/extract-corpus.txt and writes that
 * down. By hand, when the corpus grows:
 *
 *     ovs-vswitchd ... --enable-dummy --unixctl=SOCKET
 *     ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy fail-mode=secure \
 *       -- add-port br0 p1 -- set interface p1 type=dummy ofport_request=1 \
 *       -- set open_vswitch . other_config:vlan-limit=0
 *     ovs-ofctl add-flow br0 'icmp6,icmp_type=135,icmp_code=0 actions=move:ERICOXM_OF_ICMPV6_ND_RESERVED[]->reg0,
 *       move:ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE[]->reg1[0..7]'       # and the same for icmp_type=136
 *     ovs-ofctl set-frags br0 nx-match
 *     node --import ./test/support/typescript.mjs test/support/refresh-extract-corpus.ts SOCKET
 *
 * The two flows put into the megaflow what the "Flow:" line leaves out.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';

const corpus = new URL('../unit/flow/extract-corpus.txt', import.meta.url);
const socketPath = process.argv[2];
if (socketPath === undefined) {
  throw new Error('usage: refresh-extract-corpus.ts UNIXCTL_SOCKET');
}

function trace(path: string, packet: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    socket.setEncoding('utf8');
    socket.on('error', reject);
    socket.on('data', (chunk: string) => {
      text += chunk;
      let reply: { result: string | null; error: string | null };
      try {
        reply = JSON.parse(text) as typeof reply;
      } catch {
        return;
      }
      socket.end();
      if (reply.result === null) {
        reject(new Error(`${packet}: ${reply.error}`));
      } else {
        resolve(reply.result);
      }
    });
    socket.write(JSON.stringify({ id: 1, method: 'ofproto/trace', params: ['br0', 'in_port=1', packet] }));
  });
}

const lines: string[] = [];
let packet = '';
for (const line of readFileSync(corpus, 'utf8').split('\n')) {
  if (line.startsWith('packet: ')) {
    packet = line.slice('packet: '.length);
  }
  if (line.startsWith('nd: ')) {
    continue;
  }
  if (!line.startsWith('flow:')) {
    lines.push(line);
    continue;
  }
  const answer = await trace(socketPath, packet);
  const flow = /^Flow: (.*)$/m.exec(answer)?.[1];
  lines.push(`flow: ${flow}`);
  if (/icmp_type=13[56],icmp_code=0/.test(flow ?? '')) {
    const megaflow = /^Megaflow: (.*)$/m.exec(answer)?.[1] ?? '';
    const reserved = /nd_reserved=(\w+)/.exec(megaflow)?.[1] ?? '0';
    const options = /nd_options_type=(\w+)/.exec(megaflow)?.[1] ?? '0';
    lines.push(`nd: ${Number(reserved)} ${Number(options)}`);
  }
}
writeFileSync(corpus, lines.join('\n'));
