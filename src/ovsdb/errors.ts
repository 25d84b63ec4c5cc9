/**
 * Errors of OVSDB. RFC 7047 sends errors as objects (`error`, perhaps `details`, ovsdb-server adds `syntax`: the piece of
 * JSON that was wrong); inside this layer they are thrown, and the edge of each operation or request turns them into JSON.
 */
import { type JsonObject, type JsonValue, stringifySorted } from './json.ts';

/** What `error` says in the objects that ovsdb-server sends (RFC 7047 section 3.1, ovsdb-server(7) section 3.1). */
export type OvsdbErrorKind =
  | 'aborted'
  | 'canceled'
  | 'constraint violation'
  | 'domain error'
  | 'duplicate uuid'
  | 'duplicate uuid-name'
  | 'internal error'
  | 'I/O error'
  | 'not allowed'
  | 'not owner'
  | 'not supported'
  | 'ovsdb error'
  | 'range error'
  | 'referential integrity violation'
  | 'resources exhausted'
  | 'syntax error'
  | 'timed out'
  | 'unknown column'
  | 'unknown database'
  | 'unknown function'
  | 'unknown mutator';

export class OvsdbError extends Error {
  readonly code: 'ovsdb' = 'ovsdb';
  readonly kind: OvsdbErrorKind;
  /** the JSON that was wrong, as ovsdb-server shows it: object members sorted */
  readonly syntax: string | null;

  constructor(kind: OvsdbErrorKind, details: string, json?: JsonValue) {
    super(details);
    this.name = 'OvsdbError';
    this.kind = kind;
    this.syntax = json === undefined ? null : stringifySorted(json);
  }
}

/** Input that is not what RFC 7047 asks for; `json` is the piece that is wrong. */
export function syntaxError(details: string, json?: JsonValue): OvsdbError {
  return new OvsdbError('syntax error', details, json);
}

export function constraintViolation(details: string): OvsdbError {
  return new OvsdbError('constraint violation', details);
}

/** The `<error>` object of RFC 7047 section 3.1. What is not an `OvsdbError` is a bug of ours: `internal error`. */
export function errorToJson(error: unknown): JsonObject {
  if (!(error instanceof OvsdbError)) {
    return { error: 'internal error', details: error instanceof Error ? error.message : String(error) };
  }
  const json: JsonObject = { error: error.kind };
  if (error.message !== '') json.details = error.message;
  if (error.syntax !== null) json.syntax = error.syntax;
  return json;
}
