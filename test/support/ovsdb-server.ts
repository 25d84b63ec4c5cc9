/** A database server as a program, for system tests: `ovsdb-server.ts FILE METHOD [SCHEMA]`. Prints `ready` when it listens. */
import { readFileSync } from 'node:fs';
import { OvsdbServer, openStoredDatabase, parseSchema, vswitchSchema } from '../../src/ovsdb/index.ts';
import { listenStream, openDurableFile, sha1Hex } from '../../src/platform/index.ts';
import { serverEnvironment } from './ovsdb-environment.ts';

const [path, method, schemaPath] = process.argv.slice(2);
if (path === undefined || method === undefined) throw new Error('usage: ovsdb-server.ts FILE METHOD [SCHEMA]');
const schema = schemaPath === undefined ? vswitchSchema() : parseSchema(JSON.parse(readFileSync(schemaPath, 'utf8')));
const server = new OvsdbServer(serverEnvironment, { onWarning: (text) => console.error(text) });
server.addStoredDatabase(openStoredDatabase(openDurableFile(path), schema, serverEnvironment, sha1Hex));
await listenStream(method, { defaultPort: 6640, maxPendingBytes: 1024 * 1024 }, (stream) => server.accept(stream));
console.log('ready');
