import { z } from 'zod';
import type { Rejection } from '../../telemetry.js';
import { describeIssue } from '../describe-issue.js';

/** A record with its base values worked in (RFC 8428, section 4.6). */
export interface ResolvedRecord {
  readonly name: string;
  readonly unit?: string | undefined;
  /** Epoch ms. */
  readonly ts: number;
  readonly value?: number | string | boolean | undefined;
  readonly sum?: number | undefined;
}

const recordSchema = z.looseObject({
  bn: z.string().optional(),
  bt: z.number().optional(),
  bu: z.string().optional(),
  bv: z.number().optional(),
  bs: z.number().optional(),
  bver: z.int().positive().optional(),
  n: z.string().optional(),
  u: z.string().optional(),
  v: z.number().optional(),
  vs: z.string().optional(),
  vb: z.boolean().optional(),
  vd: z.string().optional(),
  s: z.number().optional(),
  t: z.number().optional(),
  ut: z.number().optional(),
});
const packSchema = z.array(recordSchema).min(1);

/** The version that RFC 8428 defines. */
const knownVersion = 10;
/** Times below it are seconds from now, most often before it (section 4.5.3). */
const relativeBelow = 2 ** 28;
/** Section 4.5.1: what a name is made of. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9\-:./_]*$/;

type Bases = Partial<Pick<z.infer<typeof recordSchema>, 'bn' | 'bt' | 'bu' | 'bv' | 'bs'>>;

/**
 * The records of a pack that hold something, each by itself.
 * @param now what relative times are counted from, epoch ms
 */
export function resolvePack(body: unknown, now: number): readonly ResolvedRecord[] | Rejection {
  const checked = packSchema.safeParse(body);
  if (!checked.success) return describeIssue(checked.error);
  const resolved: ResolvedRecord[] = [];
  let bases: Bases = {};
  for (const [i, record] of checked.data.entries()) {
    const { bn, bt, bu, bv, bs, bver = knownVersion } = record;
    if (bver > knownVersion) return wrong(i, `version ${bver} is newer than RFC 8428`);
    // Section 4.4: a name that ends in "_" must be understood or the pack is not to be used.
    const mustUnderstand = Object.keys(record).find((key) => key.endsWith('_'));
    if (mustUnderstand !== undefined) return wrong(i, `"${mustUnderstand}" must be understood and is not`);
    bases = { ...bases, ...defined({ bn, bt, bu, bv, bs }) };
    const own = resolve(record, bases, now);
    if ('reason' in own) return wrong(i, own.detail);
    if (own.value !== undefined || own.sum !== undefined) resolved.push(own);
    else if (bn === undefined && bt === undefined && bu === undefined && bv === undefined && bs === undefined)
      return wrong(i, 'there is neither a value nor a sum nor a base');
  }
  return resolved;
}

function resolve(
  record: z.infer<typeof recordSchema>,
  bases: Bases,
  now: number,
): ResolvedRecord | Rejection {
  const { n = '', u, v, vs, vb, vd, s, t = 0 } = record;
  const name = (bases.bn ?? '') + n;
  const holdsValue = [v, vs, vb, vd].filter((value) => value !== undefined).length;
  if (holdsValue > 1) return { reason: 'wrong_shape', detail: 'more than one value' };
  if ((holdsValue > 0 || s !== undefined) && !namePattern.test(name)) {
    return { reason: 'wrong_shape', detail: `"${name.slice(0, 64)}" is no name` };
  }
  const seconds = (bases.bt ?? 0) + t;
  const ts = Math.round(seconds * 1000) + (seconds < relativeBelow ? now : 0);
  // Section 4.6: a base value goes with a value, and makes one where the record has neither value nor sum.
  const isNumber =
    v !== undefined || (holdsValue === 0 && s === undefined && bases.bv !== undefined && n !== '');
  return {
    name,
    unit: u ?? bases.bu,
    ts,
    value: isNumber ? (bases.bv ?? 0) + (v ?? 0) : (vs ?? vb ?? vd),
    sum: s === undefined ? undefined : (bases.bs ?? 0) + s,
  };
}

function defined(values: Record<string, unknown>): Bases {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function wrong(i: number, what: string): Rejection {
  return { reason: 'wrong_shape', detail: `record ${i}: ${what}` };
}
