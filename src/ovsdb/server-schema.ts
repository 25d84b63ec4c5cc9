/** The schema of the `_Server` database (ovsdb-server(5)), which every server has and clients may read. */
import { type DatabaseSchema, parseSchema } from './schema.ts';

/** Version 1.2.0: one row per database of the server. */
export function serverSchema(): DatabaseSchema {
  return parseSchema({
    name: '_Server',
    version: '1.2.0',
    tables: {
      Database: {
        columns: {
          name: { type: 'string' },
          model: { type: { key: { type: 'string', enum: ['set', ['clustered', 'relay', 'standalone']] } } },
          schema: { type: { key: 'string', min: 0, max: 1 } },
          connected: { type: 'boolean' },
          leader: { type: 'boolean' },
          cid: { type: { key: 'uuid', min: 0, max: 1 } },
          sid: { type: { key: 'uuid', min: 0, max: 1 } },
          index: { type: { key: 'integer', min: 0, max: 1 } },
        },
      },
    },
  });
}
