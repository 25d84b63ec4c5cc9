/**
 * Reads the members of a JSON object one by one and complains in ovsdb-server's words: a required member is missing, has
 * the wrong type, or there is one too many.
 */
import { type OvsdbError, syntaxError } from './errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';

/** Whether the text is an `<id>` of RFC 7047 section 3.1. */
export function isId(text: JsonValue | undefined): text is string {
  return typeof text === 'string' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);
}

export function isInteger(value: JsonValue): value is number | bigint {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
}

export function isString(value: JsonValue): value is string {
  return typeof value === 'string';
}

export function isBoolean(value: JsonValue): value is boolean {
  return typeof value === 'boolean';
}

export function isArray(value: JsonValue): value is JsonValue[] {
  return Array.isArray(value);
}

export function isAny(_value: JsonValue): _value is JsonValue {
  return true;
}

export class MemberReader {
  private readonly json: JsonObject;
  private readonly what: string;
  private readonly taken = new Set<string>();

  /** `what` names the object in errors: `Parsing WHAT failed: …`. Throws unless `json` is an object. */
  constructor(json: JsonValue | undefined, what: string) {
    if (!isJsonObject(json)) throw syntaxError(`Parsing ${what} failed: Object expected.`);
    this.json = json;
    this.what = what;
  }

  required<T extends JsonValue>(name: string, check: (value: JsonValue) => value is T): T {
    const value = this.optional(name, check);
    if (value === undefined) throw this.error(`Required '${name}' member is missing.`);
    return value;
  }

  optional<T extends JsonValue>(name: string, check: (value: JsonValue) => value is T): T | undefined {
    this.taken.add(name);
    const value = Object.hasOwn(this.json, name) ? this.json[name] : undefined;
    if (value === undefined) return undefined;
    if (!check(value)) throw this.error(`Type mismatch for member '${name}'.`);
    return value;
  }

  /** Throws if a member has not been asked for. */
  finish(): void {
    const extra = Object.keys(this.json).filter((name) => !this.taken.has(name));
    if (extra.length === 0) return;
    throw this.error(
      extra.length === 1
        ? `Member '${extra[0]}' is present but not allowed here.`
        : `Member '${extra[0]}' and ${extra.length - 1} other member${extra.length > 2 ? 's' : ''} are present but not allowed here.`,
    );
  }

  error(problem: string): OvsdbError {
    return syntaxError(`Parsing ${this.what} failed: ${problem}`, this.json);
  }
}
