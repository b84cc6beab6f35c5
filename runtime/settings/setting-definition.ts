import type { z } from 'zod';
import type { Role } from '../roles.js';

/** The unit of a number, or what kind of text a setting takes. */
export type SettingUnit =
  | 's'
  | 'days'
  | 'bytes'
  | 'bytes/s'
  | 'MiB'
  | 'messages/s'
  | 'failures/min'
  | 'count'
  | 'times real time'
  | 'port'
  | 'address'
  | 'URL'
  | 'folder'
  | 'file'
  | 'text'
  | 'word'
  | 'time'
  | '0 or 1';

/**
 * Whom one value is for. `process`: each process that reads it keeps to it and counts by itself, so that two
 * brokers together take twice as much. `machine`: the processes of one machine; another machine may have
 * another. `pipeline`: everybody, so it must be the same on all machines.
 */
export type SettingScope = 'process' | 'machine' | 'pipeline';

/** Who reads a setting: a role, `up` (the supervisor of the roles), the other verbs, or all of them. */
export type SettingReader = Role | 'up' | 'verbs' | 'all';

/** One thing said in both languages. */
export interface Words {
  readonly en: string;
  readonly zh: string;
}

/** One environment variable: how it is checked, what is taken without it, and what it means. */
export interface SettingDefinition {
  /** With the default in it. */
  readonly schema: z.ZodType<string | number | boolean | undefined>;
  /** What it does, in one line. */
  readonly help: Words;
  readonly unit: SettingUnit;
  readonly scope: SettingScope;
  readonly readers: readonly SettingReader[];
  /** The default in words, where it is another on each machine. */
  readonly defaultWords?: Words;
  /** Printed as `***`: the value, or the password in the URL, opens something. */
  readonly secret?: true;
}

/** Settings that belong together, by the name of their environment variable. */
export type SettingArea = Readonly<Record<string, SettingDefinition>>;
