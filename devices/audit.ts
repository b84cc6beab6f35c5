import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.js';

/** What the audit tells of: what the part of `what` before the dot may be. */
export const auditAreas = [
  'command',
  'desired',
  'rollout',
  'approval',
  'control',
  'rule',
  'maintenance',
  'account',
  'credentials',
  'certificate',
  'claim_token',
  'device',
  'registry',
] as const;
export type AuditArea = (typeof auditAreas)[number];

/** Something that somebody did, or that came of it. */
export interface AuditEvent {
  /** Pipeline time, epoch ms; of changes to the registry and to credentials, wall time. */
  readonly at: number;
  /** A person or a part of the pipeline, such as `cli:wang`, `@wang` or `broker:4711`. */
  readonly by: string;
  /** Such as `command.issued` or `rule.mode`. */
  readonly what: `${AuditArea}.${string}`;
  /** Of what it was done to: a command, a rule, a device … */
  readonly id: string;
  /** The device that it is about, where it is about one. */
  readonly device?: string | undefined;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly why?: string | undefined;
}

/** An event in its place in the chain. */
export interface AuditRecord extends AuditEvent {
  /** 1, 2, 3 … without a gap. */
  readonly seq: number;
  /** The hash of the record before; of the first, 64 zeros. */
  readonly prev: string;
  readonly hash: string;
}

/** A place in the chain: the hash of a record stands for it and for all before it. */
export interface ChainLink {
  readonly seq: number;
  readonly hash: string;
}

/** A link that was written down elsewhere. */
export interface AuditAnchor extends ChainLink {
  /** When, epoch ms (pipeline time). */
  readonly at: number;
}

/** What comes before the first record. */
export const chainStart: ChainLink = { seq: 0, hash: '0'.repeat(64) };

/** The text of an event as it is kept, and its digest (SHA-256, hex). */
export function writeEvent(event: AuditEvent): { readonly body: string; readonly digest: string } {
  const body = canonicalJson(event);
  return { body, digest: sha256(body) };
}

/** The hash of the record that has this place, this one before it, and the text of which this is the digest. */
export function linkHash(seq: number, prev: string, digest: string): string {
  return sha256(`${seq}:${prev}:${digest}`);
}

/** The digest of the event in a record, made anew from what the record says. */
export function digestOf(record: AuditRecord): string {
  const place: ReadonlySet<string> = new Set<keyof AuditRecord>(['seq', 'prev', 'hash']);
  const event = Object.entries(record).filter(([name]) => !place.has(name));
  return sha256(canonicalJson(Object.fromEntries(event)));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
