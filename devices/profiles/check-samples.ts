import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { deviceClasses } from '../device-class.js';
import type { Rejection } from '../telemetry.js';
import { applyProfile } from './apply-profile.js';
import type { Applied } from './apply-profile.js';
import { describeThrown } from './describe-thrown.js';
import type { FoundProfile } from './load-profiles.js';
import type { Profile, VendorMessage } from './profile.js';
import { ProfileError } from './profile-error.js';

/** A recorded message and what it must come to, as `samples.json` beside a profile has it. */
const sampleSchema = z.strictObject({
  name: z.string().min(1),
  /** Where the vendor describes this message. */
  source: z.string().optional(),
  topic: z.string().min(1),
  class: z.enum(deviceClasses).default('sensor'),
  arrivedAt: z.iso.datetime({ offset: true }).default('2026-03-02T08:00:00+08:00'),
  retained: z.boolean().default(false),
  /** The payload: one of JSON, text, or bytes in hexadecimal. */
  json: z.unknown().optional(),
  text: z.string().optional(),
  hex: z.string().optional(),
  /** `{items}` as `Outcome` has them, or the reason of the rejection, or `ignored`. */
  expect: z.union([
    z.strictObject({ items: z.array(z.record(z.string(), z.unknown())) }),
    z.strictObject({ rejected: z.string() }),
    z.literal('ignored'),
  ]),
});
type Sample = z.infer<typeof sampleSchema>;

/** What became of one sample. */
export interface SampleResult {
  readonly profile: string;
  readonly sample: string;
  /** What came out, in the form of the sample's `expect`. */
  readonly got: unknown;
  readonly expected: unknown;
  readonly passed: boolean;
  /** Why each thing in it that is rejected is. */
  readonly details: readonly string[];
  /** Whether something in it is rejected, as of malformed samples it must be. */
  readonly rejects: boolean;
}

/**
 * Runs the samples of a profile.
 * @throws ProfileError when it has none or they can't be read
 */
export async function checkSamples({ profile, folder }: FoundProfile): Promise<readonly SampleResult[]> {
  const file = join(folder, 'samples.json');
  let plain: unknown;
  try {
    plain = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ProfileError(`${file} can't be read: ${reason}. A profile needs samples.`, { cause: error });
  }
  const samples = z.array(sampleSchema).min(1).safeParse(plain);
  if (!samples.success) {
    const [issue] = samples.error.issues;
    const where = issue?.path.map(String).join('.') ?? '';
    throw new ProfileError(`${file}: ${where}: ${issue?.message ?? ''}.`);
  }
  return samples.data.map((sample) => {
    const message = sampleMessage(sample);
    const clean = withoutPersonalData(profile, message, sample.name);
    const applied = applyProfile(profile, { ...message, payload: clean, text: () => clean.toString() });
    const got = describe(applied);
    const expected: unknown = sample.expect;
    const details = rejectionsOf(applied).map(({ reason, detail }) => `${reason}: ${detail}`);
    return {
      profile: profile.name,
      sample: sample.name,
      got,
      expected,
      passed: isDeepStrictEqual(JSON.parse(JSON.stringify(got)), expected),
      details,
      rejects: details.length > 0,
    };
  });
}

function withoutPersonalData(profile: Profile, message: VendorMessage, sample: string): Buffer {
  try {
    return profile.withoutPersonalData?.(message) ?? message.payload;
  } catch (error) {
    throw new ProfileError(
      `The profile "${profile.name}" can't take personal data out of the sample "${sample}": ${describeThrown(error)}.`,
      { cause: error },
    );
  }
}

function rejectionsOf(applied: Applied): Rejection[] {
  if ('rejection' in applied) return [applied.rejection];
  if ('ignored' in applied) return [];
  return applied.items.flatMap(({ outcome }) => (outcome.kind === 'rejection' ? [outcome.rejection] : []));
}

function sampleMessage(sample: Sample): VendorMessage {
  const payload =
    sample.hex !== undefined
      ? Buffer.from(sample.hex, 'hex')
      : Buffer.from(sample.text ?? JSON.stringify(sample.json ?? null));
  return {
    topic: sample.topic,
    payload,
    text: () => payload.toString('utf8'),
    deviceClass: sample.class,
    arrivedAt: Date.parse(sample.arrivedAt),
    retained: sample.retained,
  };
}

/** In the form in which samples are written: what matters, and nothing that is empty. */
function describe(applied: Applied): unknown {
  if ('rejection' in applied) return { rejected: applied.rejection.reason };
  if ('ignored' in applied) return 'ignored';
  const items = applied.items.map(({ device, deviceClass, ignored = [], outcome }) => {
    const about = { device, class: deviceClass, ...(ignored.length === 0 ? {} : { ignored }) };
    if (outcome.kind === 'rejection') return { ...about, rejected: outcome.rejection.reason };
    if (outcome.kind === 'reading') return { ...about, reading: outcome.reading };
    const { notice } = outcome;
    if (notice.stream === 'ack') return { ...about, ack: { id: notice.id, ok: notice.ok } };
    if (notice.stream !== 'event') return { ...about, [notice.stream]: notice.body };
    return {
      ...about,
      event: { ts: notice.ts, type: notice.type, ...(JSON.parse(notice.detail) as object) },
    };
  });
  return { items };
}
