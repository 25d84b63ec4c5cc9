/** Debian's ovs-vsctl, ovsdb-client and ovsdb-tool with our server and its file. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { OvsdbServer, openStoredDatabase, parseSchema, type StoredDatabase } from '../../../src/ovsdb/index.ts';
import { listenStream, openDurableFile, type SocketStream, sha1Hex } from '../../../src/platform/index.ts';
import { OurOvsdbServer, type Outcome, runTool, runUntil } from '../../support/our-ovsdb-server.ts';
import { serverEnvironment } from '../../support/ovsdb-environment.ts';
import { Peer } from '../../support/ovsdb-peer.ts';
import { TEST_SCHEMA } from '../../support/ovsdb-schema.ts';
import { RealOvsdbServer } from '../../support/real-ovsdb-server.ts';

const server = new OurOvsdbServer();
before(async () => {
  await server.start();
  await vsctl('init');
});
after(() => server.remove());

function runVsctl(...args: string[]): Promise<Outcome> {
  return runTool('ovs-vsctl', ['--no-wait', '--timeout=5', `--db=${server.method}`, ...args]);
}

/** What ovs-vsctl prints; it must succeed. */
async function vsctl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runVsctl(...args);
  assert.equal(code, 0, `ovs-vsctl ${args.join(' ')}: ${stderr}`);
  return stdout.trimEnd();
}

async function succeed(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runTool(program, args);
  assert.equal(code, 0, `${program} ${args.join(' ')}: ${stderr}`);
  return stdout.trimEnd();
}

test('ovs-vsctl: bridges and ports', async () => {
  await vsctl('add-br', 'br0');
  await vsctl('--may-exist', 'add-br', 'br0');
  await vsctl('add-port', 'br0', 'p1', 'tag=5', '--', 'set', 'Interface', 'p1', 'type=internal', 'ofport_request=7');
  await vsctl('--may-exist', 'add-port', 'br0', 'p1');
  await vsctl('add-bond', 'br0', 'b0', 'e1', 'e2', 'lacp=active');
  await vsctl('set-controller', 'br0', 'tcp:192.0.2.1:6653', 'ptcp:6654');
  await vsctl('set-fail-mode', 'br0', 'secure');
  assert.equal(await vsctl('list-br'), 'br0');
  assert.equal(await vsctl('list-ports', 'br0'), 'b0\np1');
  assert.equal(await vsctl('list-ifaces', 'br0'), 'e1\ne2\np1');
  assert.equal(await vsctl('port-to-br', 'p1'), 'br0');
  assert.equal(await vsctl('get-controller', 'br0'), 'ptcp:6654\ntcp:192.0.2.1:6653');
  const shown = await vsctl('show');
  assert.match(shown, /Port p1\n +tag: 5\n +Interface p1\n +type: internal/);
  assert.match(shown, /fail_mode: secure/);
});

test('ovs-vsctl: get, set, add, remove, clear, list, find', async () => {
  assert.equal(await vsctl('get', 'Interface', 'p1', 'ofport_request'), '7');
  assert.equal(await vsctl('--columns=name', 'find', 'Port', 'tag=5'), 'name                : p1');
  await vsctl('set', 'bridge', 'br0', 'other_config:hwaddr="02:00:00:00:00:01"', 'protocols=OpenFlow10,OpenFlow13');
  await vsctl('add', 'bridge', 'br0', 'other_config', 'forward-bpdu=true');
  await vsctl('remove', 'bridge', 'br0', 'other_config', 'hwaddr');
  assert.equal(
    await vsctl('get', 'bridge', 'br0', 'other_config', 'protocols'),
    '{forward-bpdu="true"}\n[OpenFlow10, OpenFlow13]',
  );
  await vsctl('clear', 'bridge', 'br0', 'protocols');
  assert.equal(await vsctl('get', 'bridge', 'br0', 'protocols'), '[]');
  assert.equal((await vsctl('list', 'Interface')).match(/^_uuid/gm)?.length, 4);
  for (const table of [
    'QoS',
    'Queue',
    'NetFlow',
    'sFlow',
    'IPFIX',
    'Manager',
    'SSL',
    'Flow_Table',
    'Datapath',
    'CT_Zone',
    'AutoAttach',
    'Open_vSwitch',
  ]) {
    await vsctl('list', table);
  }
});

test('ovs-vsctl: rows by name, references, what is collected', async () => {
  await vsctl(
    '--',
    '--id=@m',
    'create',
    'Mirror',
    'name=m',
    'select-all=true',
    '--',
    'set',
    'Bridge',
    'br0',
    'mirrors=@m',
  );
  await vsctl('--id=@p', 'get', 'port', 'p1', '--', 'set', 'mirror', 'm', 'output-port=@p');
  assert.notEqual(await vsctl('get', 'mirror', 'm', 'output_port'), '[]');
  await vsctl(
    '--',
    'set',
    'port',
    'b0',
    'qos=@q',
    '--',
    '--id=@q',
    'create',
    'qos',
    'type=linux-htb',
    'queues:1=@u',
    '--',
    '--id=@u',
    'create',
    'queue',
    'other_config:min-rate=1000',
  );
  assert.match(await vsctl('list', 'queue'), /min-rate="1000"/);
  await vsctl('del-port', 'p1');
  assert.equal(await vsctl('get', 'mirror', 'm', 'output_port'), '[]');
  await vsctl('clear', 'bridge', 'br0', 'mirrors');
  assert.equal(await vsctl('list', 'mirror'), '');
});

test('ovs-vsctl: errors are those of a real server', async () => {
  for (const [args, message] of [
    [['del-port', 'nosuch'], /no port named nosuch/],
    [['add-br', 'br0'], /a bridge named br0 already exists/],
    [['set', 'port', 'b0', 'tag=4096'], /constraint violation: 4096 is not in the valid range 0 to 4095/],
    [['set', 'bridge', 'br0', 'fail_mode=open'], /constraint violation: open is not one of the allowed values/],
    [
      ['--id=@q', 'create', 'port', 'name=x', 'interfaces=@q'],
      /row "@q" is referenced but never created|referential integrity/,
    ],
    [['get', 'bridge', 'br0', 'nope'], /Bridge does not contain a column whose name matches "nope"/],
  ] as [string[], RegExp][]) {
    const { code, stderr } = await runVsctl(...args);
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr, message);
  }
});

test('ovs-vsctl wait-until waits for the change', async () => {
  const waiting = vsctl('wait-until', 'Bridge', 'br9', 'datapath_type=netdev');
  await vsctl('add-br', 'br9');
  await vsctl('set', 'Bridge', 'br9', 'datapath_type=netdev');
  await waiting;
  await vsctl('del-br', 'br9');
});

test('ovsdb-client: schemas, dump, transact, wait', async () => {
  assert.equal(await succeed('ovsdb-client', 'list-dbs', server.method), 'Open_vSwitch\n_Server');
  assert.equal(await succeed('ovsdb-client', 'get-schema-version', server.method), '8.3.1');
  assert.match(await succeed('ovsdb-client', 'list-tables', server.method), /Open_vSwitch/);
  assert.match(
    await succeed('ovsdb-client', 'list-columns', server.method, 'Open_vSwitch', 'Mirror'),
    /select_src_port/,
  );
  assert.match(await succeed('ovsdb-client', 'dump', server.method, 'Open_vSwitch', 'Bridge', 'name'), /br0/);
  const operations = '["Open_vSwitch",{"op":"select","table":"Bridge","where":[],"columns":["name"]}]';
  assert.equal(await succeed('ovsdb-client', 'transact', server.method, operations), '[{"rows":[{"name":"br0"}]}]');
  await succeed('ovsdb-client', '--timeout=5', 'wait', server.method, 'Open_vSwitch', 'connected');
  const backup = await succeed('ovsdb-client', 'backup', server.method, 'Open_vSwitch');
  assert.match(backup, /^OVSDB JSON /);
});

for (const command of ['monitor', 'monitor-cond', 'monitor-cond-since'] as const) {
  test(`ovsdb-client ${command}`, async () => {
    const columns: Record<string, string[]> = {
      monitor: ['Open_vSwitch', 'Bridge', 'name'],
      'monitor-cond': ['Open_vSwitch', '[["name","==","br7"]]', 'Bridge', 'name'],
      'monitor-cond-since': [
        'Open_vSwitch',
        '00000000-0000-0000-0000-000000000000',
        '[["name","==","br7"]]',
        'Bridge',
        'name',
      ],
    };
    const args = ['--no-headings', '-f', 'csv', command, server.method, ...columns[command]!];
    // Whether the bridge comes as an initial or a later row does not matter: the tool does not say when it is ready.
    const monitoring = runUntil(/(initial|insert),"?br7/, 'ovsdb-client', args);
    await vsctl('add-br', 'br7');
    await monitoring;
    await vsctl('del-br', 'br7');
  });
}

test('ovsdb-tool reads our file', async () => {
  assert.equal(await succeed('ovsdb-tool', 'db-version', server.databasePath), '8.3.1');
  assert.equal(await succeed('ovsdb-tool', 'db-name', server.databasePath), 'Open_vSwitch');
  assert.match(await succeed('ovsdb-tool', 'show-log', '-mm', server.databasePath), /record 1: .*"ovs-vsctl.* init"/);
  const operations = '["Open_vSwitch",{"op":"select","table":"Bridge","where":[],"columns":["name"]}]';
  assert.equal(await succeed('ovsdb-tool', 'query', server.databasePath, operations), '[{"rows":[{"name":"br0"}]}]');
  await succeed('ovsdb-tool', 'compact', server.databasePath, join(server.folder, 'compacted'));
});

test('we read the file of ovsdb-server, and it reads ours', async () => {
  const real = new RealOvsdbServer(TEST_SCHEMA);
  try {
    const peer = new Peer(await real.connect());
    const row = { name: 'é', words: ['set', ['a', 'b']], map: ['map', [['p', 1]]], number: 2n ** 62n };
    await peer.call('transact', 'T', { op: 'insert', table: 'Root', row });
    await peer.call('transact', 'T', {
      op: 'update',
      table: 'Root',
      where: [],
      row: { words: ['set', ['b', 'c']], map: ['map', [['p', 2]]] },
    });
    peer.connection.close();
    await real.stop();
    const stored: StoredDatabase = openStoredDatabase(
      openDurableFile(real.databasePath),
      parseSchema(TEST_SCHEMA),
      serverEnvironment,
      sha1Hex,
    );
    assert.equal(stored.problem, null);
    const { database, log } = stored;
    const table = database.tables.get('Root')!;
    const [found] = table.rows.values();
    const read = (column: string): unknown => found!.values[table.schema.columnsByName.get(column)!.index];
    assert.deepEqual(read('words'), { keys: ['b', 'c'], values: null });
    assert.deepEqual(read('map'), { keys: ['p'], values: [2] });
    assert.deepEqual(read('number'), { keys: [2n ** 62n], values: null });
    const transaction = database.begin();
    transaction.write(table, found!.uuid, null);
    database.commit(transaction);
    log.close();
    const select = '["T",{"op":"select","table":"Root","where":[]}]';
    assert.equal(await succeed('ovsdb-tool', 'query', real.databasePath, select), '[{"rows":[]}]');
  } finally {
    await real.stop();
    real.remove();
  }
});

test('ovsdb-client over TCP and TLS', async () => {
  const path = (name: string): string => join(server.folder, name);
  const [key, cert] = [path('key.pem'), path('cert.pem')];
  const subject = ['-nodes', '-subj', '/CN=test', '-keyout', key, '-out', cert];
  await succeed('openssl', 'req', '-x509', '-newkey', 'rsa:2048', ...subject);
  const tls = { key: readFileSync(key), cert: readFileSync(cert), ca: readFileSync(cert) };
  const local = new OvsdbServer(serverEnvironment);
  const accept = (stream: SocketStream): void => local.accept(stream, 5000);
  const tcp = await listenStream('ptcp:0:127.0.0.1', { defaultPort: 6640 }, accept);
  const ssl = await listenStream('pssl:0:127.0.0.1', { defaultPort: 6640, tls }, accept);
  try {
    assert.equal(await succeed('ovsdb-client', 'list-dbs', `tcp:127.0.0.1:${tcp.port}`), '_Server');
    const credentials = ['-p', key, '-c', cert, '-C', cert];
    assert.equal(await succeed('ovsdb-client', ...credentials, 'list-dbs', `ssl:127.0.0.1:${ssl.port}`), '_Server');
  } finally {
    tcp.close();
    ssl.close();
    local.close();
  }
});
